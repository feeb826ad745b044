//! What a rollback does not undo in a lane: its sequences, which are put back to the template's
//! values, so that ids are the same in every run.

use std::{fmt::Write as _, sync::Arc};

use crate::postgres::{
    database::DatabaseName,
    server::Server,
    template::{REMEMBERED, Sequence},
    upstream::BackendConnection,
};

/// What puts back the sequences that a test has touched, to be run in one query with the rollback
/// and before `discard sequences`.
///
/// The server itself counts what a backend reads of a relation, and a rollback does not take that
/// back. Until it has reported its counts, at most a second later and never in the middle of a
/// query, a sequence counts as touched again, which does no harm.
#[derive(Clone, Default, Debug)]
pub(crate) struct Restore {
    execute: Option<Arc<str>>,
    /// The sequences that the template has used, as rows of values.
    used: Arc<str>,
}

impl Restore {
    /// What restores a lane that was claimed as clean. Reads the values of the template's
    /// sequences, and prepares the statement: planning takes longer than running it.
    pub(super) fn of_clone(
        connection: &mut BackendConnection,
        server: &Server,
        template: &DatabaseName,
    ) -> Result<Self, sqlx::Error> {
        let sql = format!(
            "select split_part(setting, '{REMEMBERED}', 2) from pg_db_role_setting, unnest(setconfig) setting \
             where setrole <> 0 and starts_with(setting, 'application_name={REMEMBERED}') and \
             setdatabase = (select oid from pg_database where datname = '{template}')"
        );
        let rows = connection.query(&sql)?;
        let Some(value) = rows.into_iter().flatten().next().flatten() else {
            return Ok(Self::default());
        };
        let used = used(&value);
        let touched = "pg_stat_get_xact_blocks_fetched(s.seqrelid) > 0";
        connection.query(&format!(
            "prepare db_test_restore as {}",
            statement(&used, touched)
        ))?;
        let execute = server.as_owner("execute db_test_restore".to_owned());
        Ok(Self {
            execute: Some(execute.into()),
            used: used.into(),
        })
    }

    /// The statements; none in a database that is not ours and in a schema without sequences.
    pub(crate) fn sql(&self) -> String {
        self.execute.as_deref().unwrap_or_default().to_owned()
    }

    /// The statement that puts these sequences back.
    pub(crate) fn of(&self, sequences: &[u32]) -> String {
        let ids: Vec<_> = sequences.iter().map(u32::to_string).collect();
        statement(&self.used, &format!("s.seqrelid in ({})", ids.join(", ")))
    }
}

fn used(value: &str) -> String {
    let mut used = String::new();
    for sequence in value.split(',').filter_map(|text| text.parse().ok()) {
        let Sequence {
            id,
            last_value,
            is_called,
        } = sequence;
        let _ = write!(used, ", ({id}::oid, {last_value}, {is_called})");
    }
    used
}

fn statement(used: &str, touched: &str) -> String {
    // Without a first row there would be no types.
    format!(
        "select count(setval(s.seqrelid::regclass, coalesce(used.last, s.seqstart), coalesce(used.called, false))) \
         from pg_sequence s left join (values (0::oid, 0::bigint, false){used}) used (id, last, called) on used.id = s.seqrelid \
         where {touched} and has_sequence_privilege(s.seqrelid, 'update')"
    )
}

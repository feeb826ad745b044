//! What a rollback does not undo in a lane: its sequences, which are put back to the template's values, so that ids
//! are the same in every run.

use std::{fmt, fmt::Write as _, str::FromStr, sync::Arc};

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use crate::{database::OwnDatabase, server::Server};

/// How the setting of a template begins that remembers its sequences: the name of the application that the role which
/// made it would have. Nobody can connect to a template, so nobody has it, and clones do not inherit it.
pub(crate) const REMEMBERED: &str = "db-test sequences ";

/// The value of a sequence whose template has used it. A clone has the object ids of its template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sequence {
    pub(crate) id: u32,
    pub(crate) last_value: i64,
    pub(crate) is_called: bool,
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.id, self.last_value, self.is_called)
    }
}

impl FromStr for Sequence {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(':');
        let mut next = || parts.next().ok_or(());
        Ok(Self {
            id: next()?.parse().map_err(drop)?,
            last_value: next()?.parse().map_err(drop)?,
            is_called: next()?.parse().map_err(drop)?,
        })
    }
}

/// What puts back the sequences that a test has touched, to be run after the rollback and before `discard sequences`.
///
/// The server itself counts what a backend reads of a relation, and a rollback does not take that back. Until it has
/// reported its counts, at most a second later, a sequence counts as touched again, which does no harm.
#[derive(Clone, Default, Debug)]
pub(crate) struct Restore(Option<Arc<Texts>>);

#[derive(Debug)]
struct Texts {
    now: String,
    prepare: String,
    prepared: String,
}

impl Restore {
    /// The name of the statement that the server remembers.
    pub(crate) const NAME: &'static str = "db_test_restore";

    /// What restores a lane that was claimed as clean; asks the server what its template had.
    pub(super) async fn of_clone(
        connection: &mut PgConnection,
        server: &Server,
        template: &OwnDatabase,
    ) -> Result<Self, sqlx::Error> {
        let sql = format!(
            "select split_part(setting, '{REMEMBERED}', 2) from pg_db_role_setting, unnest(setconfig) setting \
             where setrole <> 0 and starts_with(setting, 'application_name={REMEMBERED}') and \
             setdatabase = (select oid from pg_database where datname = '{template}')"
        );
        let rows = connection
            .fetch_all(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await?;
        let Some(row) = rows.first() else {
            return Ok(Self(None));
        };
        let (statement, name) = (statement(row.try_get(0)?), Self::NAME);
        Ok(Self(Some(Arc::new(Texts {
            prepare: format!("; prepare {name} as {statement}"),
            prepared: format!("; {}", server.as_owner(format!("execute {name}"))),
            now: format!("; {}", server.as_owner(statement)),
        }))))
    }

    /// Each text continues a simple query after another statement, and is empty in a database that is not ours and in a
    /// schema without sequences. This one restores at once.
    pub(crate) fn now(&self) -> &str {
        self.0.as_ref().map_or("", |texts| &texts.now)
    }

    /// Has the server remember the statement: to plan it takes longer than to run it.
    pub(crate) fn prepare(&self) -> &str {
        self.0.as_ref().map_or("", |texts| &texts.prepare)
    }

    /// Restores by the statement that the server remembers.
    pub(crate) fn prepared(&self) -> &str {
        self.0.as_ref().map_or("", |texts| &texts.prepared)
    }
}

fn statement(value: &str) -> String {
    let mut used = String::new();
    for sequence in value.split(',').filter_map(|text| text.parse().ok()) {
        let Sequence {
            id,
            last_value,
            is_called,
        } = sequence;
        let _ = write!(used, ", ({id}::oid, {last_value}, {is_called})");
    }
    // Without a first row there would be no types.
    format!(
        "select count(setval(s.seqrelid::regclass, coalesce(used.last, s.seqstart), coalesce(used.called, false))) \
         from pg_sequence s left join (values (0::oid, 0::bigint, false){used}) used (id, last, called) on used.id = s.seqrelid \
         where pg_stat_get_xact_blocks_fetched(s.seqrelid) > 0 and has_sequence_privilege(s.seqrelid, 'update')"
    )
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn a_sequence_is_read_as_it_was_written() {
        let sequence = Sequence {
            id: 16384,
            last_value: -3,
            is_called: true,
        };
        assert_eq!(sequence.to_string().parse(), Ok(sequence));
    }
}

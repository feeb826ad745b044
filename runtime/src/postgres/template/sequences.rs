//! The values of the template's sequences.

use std::{fmt, str::FromStr};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::Template;
use crate::postgres::{cause::Cause, database::DatabaseName};

/// How the setting of a template begins that remembers its sequences: the name of the application
/// that the role which made it would have. Nobody can connect to a template, so nobody has it, and
/// clones do not inherit it.
pub(crate) const REMEMBERED: &str = "db-test sequences ";

/// The value of a sequence that the migrations or seeds have used. A clone has the object ids of
/// its template.
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

/// A query for each sequence. Its values can be selected from the sequence only.
const QUERIES: &str = "select format('select %s::oid, last_value, is_called, seqstart from %I.%I, pg_sequence where seqrelid = %1$s', \
     c.oid, nspname, relname) from pg_class c join pg_namespace n on n.oid = relnamespace \
     where case relkind when 'S' then has_sequence_privilege(c.oid, 'select') end order by c.oid";

/// How many are read by one query: the parser's stack is limited.
const AT_ONCE: usize = 100;

/// Remembers the sequences of a template that is complete, in a setting of its database; nothing if
/// it has none.
pub(super) async fn remember(
    template: &Template,
    maintenance: &mut PgConnection,
    draft: &DatabaseName,
) -> Result<(), Cause> {
    let failed = |error| {
        template
            .server
            .statement_failed("read the sequences of the template", error)
    };
    let server = &template.server;
    let options = server.maintenance_options().database(draft.as_str());
    let connected = server.connect(&options).await;
    let mut connection = connected.map_err(|failure| server.explain(failure))?;
    let sequences = read(&mut connection).await;
    connection.close().await.ok();
    if let Some(used) = sequences.map_err(failed)? {
        let used: Vec<_> = used.iter().map(Sequence::to_string).collect();
        let value = used.join(",");
        // A custom setting would take a superuser.
        let sql = format!(
            "alter role current_user in database {draft} set application_name = '{REMEMBERED}{value}'"
        );
        let executed = maintenance.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
        executed.map_err(failed)?;
    }
    Ok(())
}

/// The sequences that have been used; `None` if there are no sequences.
async fn read(connection: &mut PgConnection) -> Result<Option<Vec<Sequence>>, sqlx::Error> {
    let queries: Vec<String> = sqlx::query_scalar(QUERIES)
        .fetch_all(&mut *connection)
        .await?;
    let mut used = Vec::new();
    for queries in queries.chunks(AT_ONCE) {
        let sql = queries.join(" union all ");
        for row in connection
            .fetch_all(sqlx::query(AssertSqlSafe(sql)).persistent(false))
            .await?
        {
            let id: sqlx::postgres::types::Oid = row.try_get(0)?;
            let (last_value, is_called) = (row.try_get(1)?, row.try_get(2)?);
            let start: i64 = row.try_get(3)?;
            if is_called || last_value != start {
                used.push(Sequence {
                    id: id.0,
                    last_value,
                    is_called,
                });
            }
        }
    }
    Ok((!queries.is_empty()).then_some(used))
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

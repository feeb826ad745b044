//! What the template's sequences have counted up to.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::{Template, publish};
use crate::postgres::{
    cause::Cause,
    database::OwnDatabase,
    lane::{REMEMBERED, Sequence},
};

/// A query for each sequence. Its values can be selected from the sequence only.
const QUERIES: &str = "select format('select %s::oid, last_value, is_called, seqstart from %I.%I, pg_sequence where seqrelid = %1$s', \
     c.oid, nspname, relname) from pg_class c join pg_namespace n on n.oid = relnamespace \
     where case relkind when 'S' then has_sequence_privilege(c.oid, 'select') end order by c.oid";

/// How many are asked at once: the parser's stack has its limits.
const AT_ONCE: usize = 100;

/// Remembers the sequences of a template that is complete, in a setting of its database; nothing if it has none.
pub(super) async fn remember(
    template: &Template,
    door: &mut PgConnection,
    draft: &OwnDatabase,
) -> Result<(), Cause> {
    let failed = |error| publish::statement(template, "read the sequences of the template", error);
    let server = &template.server;
    let options = server.door_options().database(draft.as_str());
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
        let executed = door.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
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

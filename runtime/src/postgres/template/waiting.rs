//! Waiting while a template is made: for other processes, for connections that end, and with a
//! notice.

use std::time::Duration;

use sqlx::PgConnection;

use super::Template;
use crate::postgres::{cause::Cause, database::DatabaseName};

/// After this time a notice says what is taking long.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pause before the connections to a database are looked for again.
const PAUSE: Duration = Duration::from_millis(1);

/// Runs `notice` once if the work takes longer than a second.
pub(super) async fn with_notice<T>(work: impl Future<Output = T>, notice: impl FnOnce()) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    notice();
    work.await
}

/// Waits for the connections that were closed a moment ago: the server itself looks only every
/// 100 ms (`CountOtherDBBackends`).
pub(super) async fn wait_until_unused(
    template: &Template,
    maintenance: &mut PgConnection,
    database: &DatabaseName,
) -> Result<(), Cause> {
    for _ in 0..500 {
        let used: bool =
            sqlx::query_scalar("select exists (select from pg_stat_activity where datname = $1)")
                .bind(database.as_str())
                .fetch_one(&mut *maintenance)
                .await
                .map_err(|error| {
                    template
                        .server
                        .statement_failed("look for connections to the template", error)
                })?;
        if !used {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    // The next statement fails with the reason.
    Ok(())
}

/// What the connections to the databases of this name are doing, for messages about what takes too
/// long.
pub(super) async fn activity_in(maintenance: &mut PgConnection, prefix: &str) -> String {
    let sql = "select coalesce(string_agg(format(E'backend %s: %s (%s)', pid, left(query, 300), \
         coalesce(wait_event_type || ' ' || wait_event, state)), E'\n'), '') from pg_stat_activity \
         where starts_with(datname, $1) and pid <> pg_backend_pid()";
    let activity = sqlx::query_scalar(sql)
        .bind(prefix)
        .fetch_one(maintenance)
        .await;
    activity.unwrap_or_default()
}

//! Pools that report to the recording who uses each of their connections.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, Connection, Database, Executor, Pool, pool::PoolOptions};

use super::Recording;

/// How long the end of a test waits for the connections that its tasks still hold.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// How often they are looked at; a pool does not say when one is released.
const CLOSE_PAUSE: Duration = Duration::from_millis(1);

/// Makes a pool report who uses each of its connections. The text that names the caller on a
/// connection ends with `statement`, for databases that ignore a comment alone.
pub(crate) fn attributed<DB>(
    options: PoolOptions<DB>,
    recording: &Arc<Recording>,
    statement: &'static str,
) -> PoolOptions<DB>
where
    DB: Database<Connection: Connection<Database = DB>>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let (connecting, acquiring, releasing) = (
        Arc::clone(recording),
        Arc::clone(recording),
        Arc::clone(recording),
    );
    options
        .after_connect(move |connection, _| {
            attribute(&connecting, connection, statement);
            Box::pin(async { Ok(()) })
        })
        .before_acquire(move |connection, _| {
            attribute(&acquiring, connection, statement);
            let is_over = acquiring.is_finished();
            Box::pin(async move { Ok(!is_over) })
        })
        .after_release(move |_, _| {
            releasing.released();
            let is_over = releasing.is_finished();
            Box::pin(async move { Ok(!is_over) })
        })
}

/// Empties the pool of an ended test, of which some task may still hold a handle.
///
/// It is not closed: a closed pool fails at once and without yielding, so a task that retries after
/// each error would starve the runtime. An empty pool makes such a task wait before it fails.
pub(crate) fn leave<DB: Database>(pool: &Pool<DB>) {
    while let Some(idle) = pool.try_acquire() {
        drop(idle.detach());
    }
}

/// Waits up to [`CLOSE_LIMIT`] until nobody holds a connection of the pool of an ended test; says
/// how many are held by then.
pub(crate) async fn released<DB: Database>(pool: &Pool<DB>, recording: &Recording) -> u32 {
    // A connection that is being closed may be counted as idle and no more in the size.
    let held = || {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        pool.size().saturating_sub(idle)
    };
    let wait = async {
        while recording.is_held() && held() > 0 {
            tokio::time::sleep(CLOSE_PAUSE).await;
        }
    };
    match tokio::time::timeout(CLOSE_LIMIT, wait).await {
        Ok(()) => 0,
        Err(_) => held(),
    }
}

fn attribute<DB>(recording: &Recording, connection: &mut DB::Connection, statement: &str)
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    if let Some(mark) = recording.acquired() {
        // Sent without waiting for the answer: sqlx reads it before the next statement.
        let mark = sqlx::raw_sql(AssertSqlSafe(mark + statement));
        connection.execute(mark).now_or_never();
    }
}

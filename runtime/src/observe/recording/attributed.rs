//! Pools that tell whose each of their connections is.

use std::sync::Arc;

use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, Connection, Database, Executor, Pool, pool::PoolOptions};

use super::Recording;

/// Has a pool tell whose each of its connections is. What names the caller on a connection ends with `statement`, where the
/// database does not tell of a comment alone.
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

/// Leaves the pool of an ended test to whoever still has a handle, without connections.
///
/// It is not closed: a closed pool refuses at once and without ever yielding, so a task that tries again after each error
/// would starve the runtime. Whoever asks it for a connection has to wait until it is refused.
pub(crate) fn leave<DB: Database>(pool: &Pool<DB>) {
    while let Some(idle) = pool.try_acquire() {
        drop(idle.detach());
    }
}

fn attribute<DB>(recording: &Recording, connection: &mut DB::Connection, statement: &str)
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    if let Some(mark) = recording.acquired() {
        // It is sent, and nobody waits for the answer: sqlx reads it before it asks for something else.
        let mark = sqlx::raw_sql(AssertSqlSafe(mark + statement));
        connection.execute(mark).now_or_never();
    }
}

//! Keeping autocommit autocommit.
//!
//! In production a failed statement on a pool leaves nothing behind; inside one transaction it
//! would poison everything after it. So each time a connection is released, the savepoints are
//! moved forward: what was done so far is kept, and if the transaction is aborted, the state
//! before this hand-out is restored.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::{
    ending::Escape,
    transaction::{DEPTH, OPEN, deepen, depth, spares_above_checkpoint},
};
use crate::server::is;

/// Keeps what was done since the last checkpoint.
const MOVE: &str = concat!(
    "release savepoint _sqlx_savepoint_1; savepoint _sqlx_savepoint_1; ",
    spares_above_checkpoint!()
);

/// Undoes what was done since the last checkpoint.
const RESTORE: &str = concat!(
    "rollback to savepoint _sqlx_savepoint_1; ",
    spares_above_checkpoint!()
);

/// What became of a released connection.
pub(super) enum Checkpoint {
    Moved,
    /// The outer transaction was gone; another one has been opened, so that the test can go on.
    Lost(Escape),
}

/// Moves the checkpoint of a connection that is being released.
///
/// # Errors
///
/// When the connection is broken; the pool then closes it.
pub(super) async fn advance(connection: &mut PgConnection) -> Result<Checkpoint, sqlx::Error> {
    match depth(connection) {
        DEPTH => keep(connection).await,
        0 => {
            // Drop guards used up every spare level and rolled back the outer transaction.
            deepen(connection).await?;
            Ok(Checkpoint::Lost(Escape::RolledBackByGuards))
        }
        shallower => repair(connection, shallower).await,
    }
}

async fn keep(connection: &mut PgConnection) -> Result<Checkpoint, sqlx::Error> {
    match connection.execute(MOVE).await {
        Ok(_) => Ok(Checkpoint::Moved),
        Err(error) if error.as_database_error().is_some() => restore(connection, RESTORE).await,
        Err(error) => Err(error),
    }
}

/// Undoes what was done since the last checkpoint and gives sqlx its lost levels back.
async fn repair(connection: &mut PgConnection, depth: usize) -> Result<Checkpoint, sqlx::Error> {
    let mut sql = "rollback to savepoint _sqlx_savepoint_1".to_owned();
    // Each level that is counted must have its savepoint, and each that is not must have none.
    if depth == 1 {
        sql.push_str("; release savepoint _sqlx_savepoint_1");
    }
    for level in 2..depth {
        write!(sql, "; savepoint _sqlx_savepoint_{level}").ok();
    }
    let checkpoint = restore(connection, &sql).await?;
    deepen(connection).await?;
    Ok(checkpoint)
}

/// Runs a query that returns to the last checkpoint, which is possible in an aborted transaction.
async fn restore(connection: &mut PgConnection, sql: &str) -> Result<Checkpoint, sqlx::Error> {
    // The first answer may be a failure of a statement that was cancelled before it was answered.
    for _ in 0..3 {
        match connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await {
            Ok(_) => return Ok(Checkpoint::Moved),
            Err(error) if is(&error, "25P01") => return reopen(connection).await,
            Err(error) if error.as_database_error().is_some() => {}
            Err(error) => return Err(error),
        }
    }
    reopen(connection).await
}

/// Opens another transaction in the place of the lost one, so that the rest of the test runs in
/// something, and remembers that the test broke out.
async fn reopen(connection: &mut PgConnection) -> Result<Checkpoint, sqlx::Error> {
    // A transaction that the test itself has begun is ended first.
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(format!("rollback; {OPEN}"))))
        .await?;
    Ok(Checkpoint::Lost(Escape::EndedByStatement))
}

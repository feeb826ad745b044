//! Keeping autocommit autocommit.
//!
//! In production a failed statement on a pool leaves nothing behind; inside one transaction it
//! would poison everything after it. So each time a connection is released, the savepoints are
//! moved forward: what was done so far is kept, and if the transaction is aborted, the state
//! before this hand-out is restored.
//!
//! A release also does what production's commit does and a savepoint's does not: it checks deferred
//! constraints, closes cursors, ends each `SET LOCAL`, and drops what is `ON COMMIT DROP`. The
//! server does not tell which settings and temporary tables end with a transaction, so all do: the
//! next hand-out is like another connection of the pool, which is what production's pool of several
//! gives, too: a connection returns to it in the background, while the next one is handed out.

use std::fmt::Write;

use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::{
    ending::Escape,
    transaction::{DEPTH, OPEN, OWN, Outer, deepen, depth, spares_above_checkpoint},
};
use crate::server::is;

/// Keeps what was done since the last checkpoint; ends what a commit or another connection ends.
pub(crate) const MOVE: &str = concat!(
    "/*db-test*/set local statement_timeout = 0; close all; reset session authorization; reset role; reset all; discard temp; \
     set local idle_in_transaction_session_timeout = 0; \
     release savepoint _sqlx_savepoint_1; savepoint _sqlx_savepoint_1; ",
    spares_above_checkpoint!()
);

/// How many answers to cancelled statements and drop guards may be waiting to be read.
const PENDING_LIMIT: usize = 32;

/// Undoes what was done since the last checkpoint.
const RESTORE: &str = concat!(
    "/*db-test*/rollback to savepoint _sqlx_savepoint_1; ",
    spares_above_checkpoint!()
);

/// What became of a released connection.
pub(super) enum Checkpoint {
    Moved,
    /// A deferred constraint did not hold; what was done since the last checkpoint is undone.
    Violated(sqlx::Error),
    /// The outer transaction was gone; another one has been opened, so that the test can go on.
    Lost(Escape),
}

/// Whether nothing that sqlx knows of stands in the way of moving the checkpoint: every answer has
/// been read, no drop guard has used up a level, and there are no constraints to check.
pub(super) fn is_sure_to_move(connection: &mut PgConnection, outer: &Outer) -> bool {
    depth(connection) == DEPTH
        && outer.check_constraints().is_empty()
        && !connection.should_flush()
        && matches!(connection.flush().now_or_never(), Some(Ok(())))
}

/// Moves the checkpoint of a connection that is being released.
///
/// # Errors
///
/// When the connection is broken; the pool then closes it.
pub(super) async fn advance(
    connection: &mut PgConnection,
    outer: &Outer,
) -> Result<Checkpoint, sqlx::Error> {
    drain(connection).await?;
    match depth(connection) {
        DEPTH => keep(connection, outer).await,
        0 => {
            // Drop guards used up every spare level and rolled back the outer transaction.
            deepen(connection).await?;
            Ok(Checkpoint::Lost(Escape::RolledBackByGuards))
        }
        shallower => repair(connection, shallower).await,
    }
}

/// Sends what drop guards have queued and reads what nobody has waited for, so that the next
/// answer is the answer to the next question. It costs nothing when there is nothing.
async fn drain(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for _ in 0..PENDING_LIMIT {
        match connection.flush().await {
            // A statement that was cancelled before it was answered has failed.
            Err(error) if error.as_database_error().is_some() => {}
            result => return result,
        }
    }
    Ok(())
}

async fn keep(connection: &mut PgConnection, outer: &Outer) -> Result<Checkpoint, sqlx::Error> {
    let check = outer.check_constraints();
    let sql = format!("{check}{MOVE}; select 'moved'");
    let moved = connection
        .fetch_optional(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await;
    match moved {
        Ok(Some(row)) if row.try_get(0).is_ok_and(|text: &str| text == "moved") => {
            Ok(Checkpoint::Moved)
        }
        Ok(_) | Err(sqlx::Error::Protocol(_)) => Err(out_of_step()),
        Err(error) if is(&error, "25P02") => restore(connection, RESTORE).await,
        Err(error) if error.as_database_error().is_some() => {
            match restore(connection, RESTORE).await? {
                Checkpoint::Moved if !check.is_empty() => Ok(Checkpoint::Violated(error)),
                checkpoint => Ok(checkpoint),
            }
        }
        Err(error) => Err(error),
    }
}

/// sqlx counts the answers it expects; a `COPY` that is dropped before its end is not counted, and
/// from then on each answer is taken for that of another question.
fn out_of_step() -> sqlx::Error {
    sqlx::Error::Protocol(
        "the server's answers are out of step, as after a COPY that was dropped before its end"
            .to_owned(),
    )
}

/// Undoes what was done since the last checkpoint and gives sqlx its lost levels back.
async fn repair(connection: &mut PgConnection, depth: usize) -> Result<Checkpoint, sqlx::Error> {
    let mut sql = format!("{OWN}rollback to savepoint _sqlx_savepoint_1");
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
    match connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await {
        Ok(_) => Ok(Checkpoint::Moved),
        // There is no such savepoint: this is another transaction, or none.
        Err(error) if is(&error, "3B001") || is(&error, "25P01") => reopen(connection).await,
        // Nothing else can be wrong with it, so this is the answer to something else.
        Err(error) if error.as_database_error().is_some() => Err(out_of_step()),
        Err(error) => Err(error),
    }
}

/// Opens another transaction in the place of the lost one, so that the rest of the test runs in
/// something, and remembers that the test broke out.
async fn reopen(connection: &mut PgConnection) -> Result<Checkpoint, sqlx::Error> {
    // A transaction that the test itself has begun is ended first.
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(format!(
            "{OWN}rollback; {OPEN}"
        ))))
        .await?;
    Ok(Checkpoint::Lost(Escape::EndedByStatement))
}

//! Cloning a lane, and claiming it for this process.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Seclusion, inheritance, seclusion::CONNECTS};
use crate::{
    observe::log,
    postgres::{
        cause::Cause,
        database::{COMMENT, DatabaseName, LaneState, Mark},
        server::{self, Server},
        sqlstate::{self, is},
        upstream::BackendConnection,
    },
};

/// How long a clone may take.
const CLONE_LIMIT: Duration = Duration::from_mins(5);

/// The pause before cloning is tried again while another process is connected to the template.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The key of the advisory lock that claims the database it is taken in (`db_test` in hexadecimal).
///
/// Such locks are local to a database, so an application meets it only if it uses this very key.
macro_rules! claim_key {
    () => {
        "x'0064625f74657374'::bigint"
    };
}

/// The lock, whether `pg_notify` tells a proxy and a proxy sets `now()`, and the mark of the lane's
/// last user, in one query.
const CLAIM: &str = concat!(
    "select pg_backend_pid(), pg_try_advisory_lock(",
    claim_key!(),
    "), exists (select from pg_proc where proname = 'db_test_pg_notify'), \
     exists (select from pg_proc where proname = 'db_test_now'), "
);

/// An expression that releases all advisory locks and takes the claim again.
pub(super) const RELEASE_LOCKS: &str = concat!(
    "pg_advisory_unlock_all()::text is not null and pg_try_advisory_lock(",
    claim_key!(),
    ")"
);

/// What became of an attempt to claim a lane.
pub(super) enum Claimed {
    Ours {
        connection: BackendConnection,
        /// What migrations say in a comment on their database.
        comment: Option<String>,
        seclusion: Seclusion,
    },
    /// A pooler is in the way, which cannot keep a claim.
    Pooled(Cause),
    /// Another process has it or is removing it, or it is not marked clean.
    NotOurs,
}

/// Claims the lane that a connection leads to. It waits for the server.
pub(super) fn claim(
    connection: BackendConnection,
    database: &DatabaseName,
    server: &Server,
) -> Result<Claimed, sqlx::Error> {
    match try_claim(connection, database, server) {
        // Removing a lane terminates every connection to it. If the whole server is gone, the next
        // connection fails with the reason.
        Err(error) if is(&error, sqlstate::ADMIN_SHUTDOWN) || is_broken(&error) => {
            Ok(Claimed::NotOurs)
        }
        result => result,
    }
}

/// Whether a connection has ended without a reason.
fn is_broken(error: &sqlx::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, sqlx::Error::Io(error) if matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    ))
}

fn try_claim(
    mut connection: BackendConnection,
    database: &DatabaseName,
    server: &Server,
) -> Result<Claimed, sqlx::Error> {
    // Its data need not survive a crash.
    let sql = format!(
        "{}; set synchronous_commit = off; {CLAIM}{CONNECTS}, {COMMENT} from pg_database d where datname = '{database}'",
        server::never_end(connection.server_version()),
    );
    let row = connection
        .query(&sql)?
        .into_iter()
        .next()
        .unwrap_or_default();
    let [backend, locked, notifies, moves, connects, comment] =
        <[_; 6]>::try_from(row).unwrap_or_default();
    let is = |value: Option<String>| value.as_deref() == Some("t");
    let backend = backend.and_then(|backend| backend.parse().ok());
    if let Err(cause) =
        server.refuse_unlike(Some(connection.process_id), backend.unwrap_or_default())
    {
        connection.query("select pg_advisory_unlock_all()").ok();
        connection.close();
        return Ok(Claimed::Pooled(cause));
    }
    let mark = comment.and_then(|comment| Mark::parse(&comment));
    let trusted = mark
        .as_ref()
        .is_some_and(|mark| mark.state == LaneState::Clean);
    if !is(locked) || !trusted {
        connection.close();
        return Ok(Claimed::NotOurs);
    }
    let comment = mark.and_then(|mark| mark.comment);
    let busy = Mark::busy().with(comment.clone()).statement(database);
    let seclusion = Seclusion::of(is(connects), connection.server_version());
    connection.query(&server.as_owner(busy))?;
    connection.replaces_notify = is(notifies);
    connection.moves_clock = is(moves);
    Ok(Claimed::Ours {
        connection,
        comment,
        seclusion,
    })
}

/// Prepares a connection to a database that all lanes share.
pub(super) fn prepare_shared(
    mut connection: BackendConnection,
) -> Result<BackendConnection, sqlx::Error> {
    connection.query(&server::never_end(connection.server_version()))?;
    Ok(connection)
}

/// Clones the template; the clone is marked as clean, and is free until it is claimed.
pub(super) async fn clone_template(
    server: &Server,
    template: &DatabaseName,
    lane: &DatabaseName,
) -> Result<(), Cause> {
    let owner = server.owner_clause();
    let sql = format!("create database {lane} template {template}{owner}");
    let action = format!("run `{sql}`");
    let began = Instant::now();
    let failed = |error| server.statement_failed(&action, error);
    let cloning = async {
        let mut maintenance = server.maintenance().await?;
        loop {
            match maintenance
                .execute(sqlx::raw_sql(AssertSqlSafe(sql.clone())))
                .await
            {
                Ok(_) => {
                    inheritance::carry_over(&mut maintenance, template, lane)
                        .await
                        .map_err(failed)?;
                    break mark_as_template(&mut maintenance, template, lane)
                        .await
                        .map_err(failed)?;
                }
                Err(error) if is(&error, sqlstate::OBJECT_IN_USE) => {
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        maintenance.close().await.ok();
        log::info(format_args!("lane {lane} made in {:.1?}", began.elapsed()));
        Ok(())
    };
    tokio::time::timeout(CLONE_LIMIT, cloning)
        .await
        .unwrap_or_else(|_| {
            let (action, server, seconds) =
                (action.clone(), server.to_string(), CLONE_LIMIT.as_secs());
            Err(Cause::StatementTimedOut {
                action,
                server,
                seconds,
            })
        })
}

/// Marks a new clone as clean, with what migrations say in a comment on their database: a clone has
/// no comment.
async fn mark_as_template(
    maintenance: &mut PgConnection,
    template: &DatabaseName,
    lane: &DatabaseName,
) -> Result<(), sqlx::Error> {
    let sql = format!("select {COMMENT} from pg_database d where datname = '{template}'");
    let comment: Option<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut *maintenance)
        .await?;
    let comment = comment.and_then(|comment| Mark::parse(&comment)?.comment);
    let mark = Mark::clean().with(comment).statement(lane);
    maintenance
        .execute(sqlx::raw_sql(AssertSqlSafe(mark)))
        .await
        .map(|_| ())
}

//! Making a lane's database, and making it ours.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::mark::{self, Mark};
use crate::{
    database::OwnDatabase,
    error::Cause,
    log, sandbox,
    server::{Server, is},
    tap::Tap,
};

/// How long a clone may take.
const CLONE_LIMIT: Duration = Duration::from_mins(5);

/// The pause before a template that is in use for a moment is cloned again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The key of the advisory lock that claims the database it is taken in (`db_test` in hexadecimal).
///
/// Such locks are local to a database, so an application meets it only if it uses this very key.
macro_rules! claim_key {
    () => {
        "x'0064625f74657374'::bigint"
    };
}

/// One query: settings of a connection that holds a long transaction on disposable data, then the
/// lock, and the mark of the lane's last user, which is the comment of its database (`pg_database` has a
/// fixed object id; `shobj_description` would take the server longer).
const CLAIM: &str = concat!(
    "set idle_in_transaction_session_timeout = 0; set synchronous_commit = off; ",
    "select pg_backend_pid(), pg_try_advisory_lock(",
    claim_key!(),
    "), (select (select description from pg_shdescription where objoid = d.oid and classoid = 1262) \
        from pg_database d where datname = current_database())",
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
        connection: PgConnection,
        backend: i32,
    },
    /// Another process has it, or is removing it. These lanes are in use, as far as is known.
    Elsewhere { in_use: Vec<u32> },
    /// A pooler is in the way, which cannot keep a claim.
    Pooled(Cause),
    /// It is ours, but its last user did not give it back in good order.
    Untrusted,
}

/// Claims the lane that a connection leads to.
pub(super) async fn claim(
    connection: PgConnection,
    tap: &Tap,
    database: &OwnDatabase,
    server: &Server,
) -> Result<Claimed, sqlx::Error> {
    match try_claim(connection, tap, database, server).await {
        // Whoever is removing the lane ends every connection to it. That may be seen first when
        // something cannot be written any more.
        Err(error) if is(&error, "57P01") || is_ended(tap) => {
            Ok(Claimed::Elsewhere { in_use: Vec::new() })
        }
        result => result,
    }
}

fn is_ended(tap: &Tap) -> bool {
    tap.last_words().is_some_and(|error| error.code == "57P01")
}

/// Has sqlx count the sandbox's levels, where the relay has answered that already.
async fn deepen(connection: &mut PgConnection, tap: &Tap) -> Result<(), sqlx::Error> {
    if tap.is_relayed() {
        sandbox::deepen(connection).await?;
    }
    Ok(())
}

/// The numbers of the lanes that somebody is connected to, so that they need not be tried.
async fn in_use(
    connection: &mut PgConnection,
    lane: &OwnDatabase,
) -> Result<Vec<u32>, sqlx::Error> {
    let sql = "select distinct datname from pg_stat_activity where starts_with(datname, $1)";
    let names: Vec<String> = sqlx::query_scalar(sql)
        .bind(lane.family())
        .fetch_all(connection)
        .await?;
    let lanes = names.iter().filter_map(|name| OwnDatabase::recognize(name));
    Ok(lanes.filter_map(|lane| lane.number()).collect())
}

async fn try_claim(
    mut connection: PgConnection,
    tap: &Tap,
    database: &OwnDatabase,
    server: &Server,
) -> Result<Claimed, sqlx::Error> {
    deepen(&mut connection, tap).await?;
    let row = connection.fetch_one(sqlx::raw_sql(CLAIM)).await?;
    let (backend, locked): (i32, bool) = (row.try_get(0)?, row.try_get(1)?);
    let comment: Option<String> = row.try_get(2)?;
    if let Err(cause) = server.refuse_unlike(tap.process(), backend) {
        connection
            .execute("select pg_advisory_unlock_all()")
            .await
            .ok();
        connection.close().await.ok();
        return Ok(Claimed::Pooled(cause));
    }
    if !locked {
        let in_use = in_use(&mut connection, database).await;
        connection.close().await.ok();
        return in_use.map(|in_use| Claimed::Elsewhere { in_use });
    }
    if comment
        .and_then(|text| Mark::parse(&text))
        .is_some_and(|mark| mark.busy)
    {
        connection.close().await.ok();
        return Ok(Claimed::Untrusted);
    }
    mark::leave(&mut connection, server, database, &Mark::busy()).await?;
    Ok(Claimed::Ours {
        connection,
        backend,
    })
}

/// Prepares a connection to a database that all lanes share; gives its backend's process id.
pub(super) async fn prepare_shared(
    connection: &mut PgConnection,
    tap: &Tap,
) -> Result<i32, sqlx::Error> {
    deepen(connection, tap).await?;
    let sql = "set idle_in_transaction_session_timeout = 0; select pg_backend_pid()";
    connection.fetch_one(sqlx::raw_sql(sql)).await?.try_get(0)
}

/// Clones the template; a lane that another process has made in the meantime will do as well.
pub(super) async fn clone_template(
    server: &Server,
    template: &OwnDatabase,
    lane: &OwnDatabase,
) -> Result<(), Cause> {
    let owner = server.owner_clause();
    let sql = format!("create database {lane} template {template}{owner}");
    let action = format!("run `{sql}`");
    let began = Instant::now();
    let cloning = async {
        let mut door = server.door().await?;
        loop {
            match door
                .execute(sqlx::raw_sql(AssertSqlSafe(sql.clone())))
                .await
            {
                Ok(_) => break,
                // The second is what the loser of a race gets.
                Err(error) if is(&error, "42P04") || is(&error, "23505") => break,
                Err(error) if is(&error, "55006") => tokio::time::sleep(RETRY_PAUSE).await,
                Err(error) => {
                    let (action, server) = (action.clone(), server.to_string());
                    return Err(Cause::Statement {
                        action,
                        server,
                        error,
                    });
                }
            }
        }
        door.close().await.ok();
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

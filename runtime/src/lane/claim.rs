//! Making a lane's database, and making it ours.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor};

use super::mark::Mark;
use crate::{
    database::OwnDatabase,
    error::Cause,
    log,
    postgres::upstream::Session,
    server::{Server, is},
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
    "select pg_try_advisory_lock(",
    claim_key!(),
    "), (select (select description from pg_shdescription where objoid = d.oid and classoid = 1262) \
        from pg_database d where datname = current_database()), pg_backend_pid(), \
        exists (select from pg_proc where proname = 'db_test_pg_notify')",
);

/// An expression that releases all advisory locks and takes the claim again.
pub(super) const RELEASE_LOCKS: &str = concat!(
    "pg_advisory_unlock_all()::text is not null and pg_try_advisory_lock(",
    claim_key!(),
    ")"
);

/// What became of an attempt to claim a lane.
pub(super) enum Claimed {
    Ours(Session),
    /// Another process has it, or is removing it. These lanes are in use, as far as is known.
    Elsewhere {
        in_use: Vec<u32>,
    },
    /// A pooler is in the way, which cannot keep a claim.
    Pooled(Cause),
    /// It is ours, but its last user did not give it back in good order.
    Untrusted,
}

/// Claims the lane that a connection leads to. It waits for the server.
pub(super) fn claim(
    session: Session,
    database: &OwnDatabase,
    server: &Server,
) -> Result<Claimed, sqlx::Error> {
    match try_claim(session, database, server) {
        // Whoever is removing the lane ends every connection to it.
        Err(error) if is(&error, "57P01") => Ok(Claimed::Elsewhere { in_use: Vec::new() }),
        result => result,
    }
}

/// The numbers of the lanes that somebody is connected to, so that they need not be tried.
fn in_use(session: &mut Session, lane: &OwnDatabase) -> Result<Vec<u32>, sqlx::Error> {
    let family = lane.family();
    let sql = format!(
        "select distinct datname from pg_stat_activity where starts_with(datname, '{family}')"
    );
    let names = session.query(&sql)?.into_iter().flatten().flatten();
    let lanes = names.filter_map(|name| OwnDatabase::recognize(&name)?.number());
    Ok(lanes.collect())
}

fn try_claim(
    mut session: Session,
    database: &OwnDatabase,
    server: &Server,
) -> Result<Claimed, sqlx::Error> {
    let rows = session.query(CLAIM)?;
    let row = rows.into_iter().next().unwrap_or_default();
    let [locked, comment, backend, notifies] = <[_; 4]>::try_from(row).unwrap_or_default();
    let locked = locked.as_deref() == Some("t");
    let backend = backend.and_then(|backend| backend.parse().ok());
    if let Err(cause) = server.refuse_unlike(Some(session.process_id), backend.unwrap_or(0)) {
        session.query("select pg_advisory_unlock_all()").ok();
        session.close();
        return Ok(Claimed::Pooled(cause));
    }
    if !locked {
        let in_use = in_use(&mut session, database);
        session.close();
        return in_use.map(|in_use| Claimed::Elsewhere { in_use });
    }
    if comment
        .and_then(|text| Mark::parse(&text))
        .is_some_and(|mark| mark.busy)
    {
        session.close();
        return Ok(Claimed::Untrusted);
    }
    session.query(&server.as_owner(Mark::busy().statement(database)))?;
    session.replaces_notify = notifies.as_deref() == Some("t");
    Ok(Claimed::Ours(session))
}

/// Prepares a connection to a database that all lanes share.
pub(super) fn prepare_shared(mut session: Session) -> Result<Session, sqlx::Error> {
    session.query("set idle_in_transaction_session_timeout = 0")?;
    Ok(session)
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

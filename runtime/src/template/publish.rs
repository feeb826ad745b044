//! Making the template, once ever, by whichever process is first.
//!
//! It is made under a name of its own and renamed when it is complete, so that a name that exists
//! is a template that can be trusted. An advisory lock on the door's database keeps the processes
//! apart; the server drops the lock of a killed one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Ground, Template, fill, locale, notifying, reap};
use crate::{
    announce::announce, database::OwnDatabase, error::Cause, executor, lane::Mark, log, server::is,
};

/// How long a process waits for another one that is making the same template.
const LOCK_LIMIT: Duration = Duration::from_mins(10);

/// How often the lock of another process, or the end of a connection, is looked at.
const POLL: Duration = Duration::from_millis(10);

/// After this time the user is told what is taking long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Makes the template unless it is there; says where lanes come from.
pub(super) async fn ensure(template: &Template) -> Result<Ground, Cause> {
    template.server.refuse_pooler().await?;
    let mut door = template.server.door().await?;
    let ground = if exists(template, &mut door).await? {
        log::debug(format_args!("template {} is there", template.database));
        Ground::Clones
    } else if may_create_databases(template, &mut door).await? {
        make_under_lock(template, &mut door).await?;
        executor::spawn_in_background(reap::reap(
            Arc::clone(&template.server),
            template.database.clone(),
        ));
        Ground::Clones
    } else if template.server.may_be_shared() {
        fill::migrate_shared(template).await?;
        Ground::Shared
    } else {
        let (role, server) = (
            template.server.owner().to_owned(),
            template.server.to_string(),
        );
        return Err(Cause::NoCreateDb { role, server });
    };
    door.close().await.ok();
    Ok(ground)
}

async fn exists(template: &Template, door: &mut PgConnection) -> Result<bool, Cause> {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(template.database.as_str())
        .fetch_one(door)
        .await
        .map_err(|error| statement(template, "look for the template", error))
}

async fn may_create_databases(template: &Template, door: &mut PgConnection) -> Result<bool, Cause> {
    sqlx::query_scalar("select rolcreatedb or rolsuper from pg_roles where rolname = current_user")
        .fetch_one(door)
        .await
        .map_err(|error| statement(template, "read the role's privileges", error))
}

async fn make_under_lock(template: &Template, door: &mut PgConnection) -> Result<(), Cause> {
    lock(template, door).await?;
    // Whoever held the lock may have made it.
    if exists(template, door).await? {
        return Ok(());
    }
    let making = make(template, door);
    let notice = || {
        announce(format_args!(
            "making the template {} (migrations and seeds)",
            template.database
        ));
    };
    with_notice(making, notice).await
}

/// Takes the lock by asking again and again: a connection that waits inside `pg_advisory_lock`
/// cannot be given up in good order.
async fn lock(template: &Template, door: &mut PgConnection) -> Result<(), Cause> {
    let taking = async {
        loop {
            let taken = sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended($1, 0))")
                .bind(template.database.as_str())
                .fetch_one(&mut *door)
                .await
                .map_err(|error| statement(template, "take the template's lock", error))?;
            if taken {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let notice = || {
        announce(format_args!(
            "waiting for another process that is making the template {}",
            template.database
        ));
    };
    tokio::time::timeout(LOCK_LIMIT, with_notice(taking, notice))
        .await
        .unwrap_or_else(|_| {
            Err(Cause::StatementTimedOut {
                action: format!("wait for the template {}", template.database),
                server: template.server.to_string(),
                seconds: LOCK_LIMIT.as_secs(),
            })
        })
}

/// Makes the template in a database of another name, and renames it when it is complete.
async fn make(template: &Template, door: &mut PgConnection) -> Result<(), Cause> {
    let began = Instant::now();
    let draft = template.database.under_construction();
    run(
        template,
        door,
        format!("drop database if exists {draft} with (force)"),
    )
    .await?;
    let failed = |error| statement(template, "make the owner of its databases", error);
    template.server.make_owner(door).await.map_err(failed)?;
    let owner = template.server.owner_clause();
    let locale = locale::clause(template, door).await?;
    let sql = format!("create database {draft}{owner}{locale}");
    run(template, door, sql).await?;
    template
        .server
        .hand_over_public(&draft)
        .await
        .map_err(failed)?;
    notifying::replace(template, &draft).await;
    // The mark goes with the renamed database; without one it would look forgotten.
    run(template, door, Mark::clean().statement(&draft)).await?;
    let filled = fill::fill(template, &draft).await;
    if let Err(cause) = filled {
        run(
            template,
            door,
            format!("drop database if exists {draft} with (force)"),
        )
        .await
        .ok();
        return Err(cause);
    }
    wait_until_unused(template, door, &draft).await?;
    // Nobody can connect any more, so nothing can change it and it can always be cloned.
    run(
        template,
        door,
        format!("alter database {draft} with is_template true allow_connections false"),
    )
    .await?;
    run(
        template,
        door,
        format!("alter database {draft} rename to {}", template.database),
    )
    .await?;
    log::info(format_args!(
        "template {} made in {:.1?}",
        template.database,
        began.elapsed()
    ));
    Ok(())
}

/// Waits for the connections that were closed a moment ago: the server itself looks only every
/// 100 ms (`CountOtherDBBackends`).
async fn wait_until_unused(
    template: &Template,
    door: &mut PgConnection,
    database: &OwnDatabase,
) -> Result<(), Cause> {
    for _ in 0..500 {
        let used: bool =
            sqlx::query_scalar("select exists (select from pg_stat_activity where datname = $1)")
                .bind(database.as_str())
                .fetch_one(&mut *door)
                .await
                .map_err(|error| {
                    statement(template, "look for connections to the template", error)
                })?;
        if !used {
            return Ok(());
        }
        tokio::time::sleep(POLL / 10).await;
    }
    // The next statement says what is in the way.
    Ok(())
}

async fn run(template: &Template, door: &mut PgConnection, sql: String) -> Result<(), Cause> {
    let action = format!("run `{sql}`");
    match door.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await {
        Ok(_) => Ok(()),
        Err(error) if is(&error, "42P04") => Ok(()),
        Err(error) => Err(statement(template, &action, error)),
    }
}

pub(super) fn statement(template: &Template, action: &str, error: sqlx::Error) -> Cause {
    Cause::Statement {
        action: action.to_owned(),
        server: template.server.to_string(),
        error,
    }
}

/// Says once, after a second, what is taking long.
async fn with_notice<T>(work: impl Future<Output = T>, notice: impl FnOnce()) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    notice();
    work.await
}

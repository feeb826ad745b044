//! Making the template, in the first process that needs it.
//!
//! Each process makes a draft under a unique name and renames it when it is complete. So a template
//! that exists is complete, and of two processes the first to rename wins. An advisory lock spares
//! the others the work. It is local to the database that the URL names, so two URLs may lead to two
//! locks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{
    LaneSource, Template, builtins, fill, locale, reap, sequences,
    waiting::{activity_in, wait_until_unused, with_notice},
};
use crate::{
    executor,
    observe::log,
    postgres::{
        cause::Cause,
        database::{COMMENT, DatabaseName, Mark, Sessions, remove},
        sqlstate::{self, is},
    },
};

/// How long a process waits for another one that is making the same template.
const LOCK_LIMIT: Duration = Duration::from_mins(11);

/// How long migrations and seeds may take.
const FILL_LIMIT: Duration = Duration::from_mins(10);

/// The pause between attempts to take the lock.
const POLL: Duration = Duration::from_millis(10);

/// Makes the template unless it is there; says where lanes come from.
pub(super) async fn ensure(template: &Template) -> Result<LaneSource, Cause> {
    template.server.refuse_pooler().await?;
    let mut maintenance = template.server.maintenance().await?;
    let lane_source = if exists(template, &mut maintenance).await? {
        log::debug(format_args!("template {} is there", template.database));
        LaneSource::Clones
    } else if may_create_databases(template, &mut maintenance).await? {
        make_under_lock(template, &mut maintenance).await?;
        executor::spawn_in_background(reap::reap(
            Arc::clone(&template.server),
            template.database.clone(),
        ));
        LaneSource::Clones
    } else if template.server.may_be_shared() {
        fill::migrate_shared(template).await?;
        LaneSource::Shared
    } else {
        let (role, server) = (
            template.server.owner().to_owned(),
            template.server.to_string(),
        );
        return Err(Cause::NoCreateDb { role, server });
    };
    maintenance.close().await.ok();
    Ok(lane_source)
}

/// Whether the template is there; one that a process was killed in the middle of dropping is
/// removed.
async fn exists(template: &Template, maintenance: &mut PgConnection) -> Result<bool, Cause> {
    let sql = "select datconnlimit <> -2 from pg_database where datname = $1";
    let valid: Option<bool> = sqlx::query_scalar(sql)
        .bind(template.database.as_str())
        .fetch_optional(&mut *maintenance)
        .await
        .map_err(|error| {
            template
                .server
                .statement_failed("look for the template", error)
        })?;
    if valid == Some(false) {
        remove(maintenance, &template.database, Sessions::Ended)
            .await
            .map_err(|error| {
                template
                    .server
                    .statement_failed("remove a half-dropped template", error)
            })?;
    }
    Ok(valid == Some(true))
}

async fn may_create_databases(
    template: &Template,
    maintenance: &mut PgConnection,
) -> Result<bool, Cause> {
    sqlx::query_scalar("select rolcreatedb or rolsuper from pg_roles where rolname = current_user")
        .fetch_one(maintenance)
        .await
        .map_err(|error| {
            template
                .server
                .statement_failed("read the role's privileges", error)
        })
}

async fn make_under_lock(template: &Template, maintenance: &mut PgConnection) -> Result<(), Cause> {
    lock(template, maintenance).await?;
    // The last holder of the lock may have made it.
    if exists(template, maintenance).await? {
        return Ok(());
    }
    let making = make(template, maintenance);
    let notice = || {
        log::notice(format_args!(
            "making the template {} (migrations and seeds)",
            template.database
        ));
    };
    with_notice(making, notice).await
}

/// Takes the lock by polling: a connection that waits inside `pg_advisory_lock` cannot be closed
/// cleanly.
async fn lock(template: &Template, maintenance: &mut PgConnection) -> Result<(), Cause> {
    let taking = async {
        loop {
            let taken = sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended($1, 0))")
                .bind(template.database.as_str())
                .fetch_one(&mut *maintenance)
                .await
                .map_err(|error| {
                    template
                        .server
                        .statement_failed("take the template's lock", error)
                })?;
            if taken {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let notice = || {
        log::notice(format_args!(
            "waiting for another process that is making the template {}",
            template.database
        ));
    };
    match tokio::time::timeout(LOCK_LIMIT, with_notice(taking, notice)).await {
        Ok(taken) => taken,
        Err(_) => Err(Cause::TemplateTimedOut {
            server: template.server.to_string(),
            seconds: LOCK_LIMIT.as_secs(),
            activity: activity_in(maintenance, template.database.family()).await,
        }),
    }
}

/// Makes the template under another name. A failure leaves nothing behind, and its first cause is
/// reported.
async fn make(template: &Template, maintenance: &mut PgConnection) -> Result<(), Cause> {
    let began = Instant::now();
    let draft = template.database.new_draft();
    // It shows other processes that this one is alive (`survey`).
    run(
        template,
        maintenance,
        format!("set application_name = '{draft}'"),
    )
    .await?;
    let made = match create_and_fill(template, maintenance, &draft).await {
        Ok(()) => publish(template, maintenance, &draft).await,
        failed => failed,
    };
    let Err(cause) = made else {
        log::info(format_args!(
            "template {} made in {:.1?}",
            template.database,
            began.elapsed()
        ));
        return Ok(());
    };
    if let Err(error) = remove(maintenance, &draft, Sessions::Ended).await {
        log::info(format_args!("{draft} is not removed yet: {error}"));
    }
    match cause {
        Cause::Statement { error, .. } if is(&error, sqlstate::DUPLICATE_DATABASE) => {
            log::debug(format_args!(
                "another process was first to make {}",
                template.database
            ));
            Ok(())
        }
        cause => Err(cause),
    }
}

/// Makes the database and fills it.
async fn create_and_fill(
    template: &Template,
    maintenance: &mut PgConnection,
    draft: &DatabaseName,
) -> Result<(), Cause> {
    let server = &template.server;
    let failed = |error| {
        template
            .server
            .statement_failed("make the owner of its databases", error)
    };
    server.make_owner(maintenance).await.map_err(failed)?;
    let (owner, locale) = (
        server.owner_clause(),
        locale::clause(template, maintenance).await?,
    );
    let sql = format!("create database {draft}{owner}{locale}");
    run(template, maintenance, sql).await?;
    server.hand_over_public(draft).await.map_err(failed)?;
    builtins::replace(template, draft).await;
    let filling = fill::fill(template, draft);
    match tokio::time::timeout(FILL_LIMIT, filling).await {
        Ok(filled) => filled,
        Err(_) => Err(Cause::TemplateTimedOut {
            server: server.to_string(),
            seconds: FILL_LIMIT.as_secs(),
            activity: activity_in(maintenance, draft.as_str()).await,
        }),
    }
}

/// Closes the draft and gives it the template's name.
async fn publish(
    template: &Template,
    maintenance: &mut PgConnection,
    draft: &DatabaseName,
) -> Result<(), Cause> {
    wait_until_unused(template, maintenance, draft).await?;
    sequences::remember(template, maintenance, draft).await?;
    wait_until_unused(template, maintenance, draft).await?;
    // The mark goes with the renamed database; without one it would look forgotten. Migrations may
    // have commented on it.
    let comment = comment_of(template, maintenance, draft).await?;
    run(
        template,
        maintenance,
        Mark::clean().with(comment).statement(draft),
    )
    .await?;
    // Without connections nothing can change it, and it can always be cloned.
    for change in [
        "with is_template true allow_connections false".to_owned(),
        format!("rename to {}", template.database),
    ] {
        run(
            template,
            maintenance,
            format!("alter database {draft} {change}"),
        )
        .await?;
    }
    Ok(())
}

/// What migrations have said about the database.
async fn comment_of(
    template: &Template,
    maintenance: &mut PgConnection,
    draft: &DatabaseName,
) -> Result<Option<String>, Cause> {
    let sql = format!("select {COMMENT} from pg_database d where datname = $1");
    sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(draft.as_str())
        .fetch_one(maintenance)
        .await
        .map_err(|error| {
            template
                .server
                .statement_failed("read the comment of the template", error)
        })
}

async fn run(
    template: &Template,
    maintenance: &mut PgConnection,
    sql: String,
) -> Result<(), Cause> {
    let action = format!("run `{sql}`");
    match maintenance.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await {
        Ok(_) => Ok(()),
        Err(error) => Err(template.server.statement_failed(&action, error)),
    }
}

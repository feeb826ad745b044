//! Removing templates and lanes that nothing has used for long.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{clean_up, roles};
use crate::{
    observe::log,
    postgres::{
        database::{DatabaseName, Fate, Mark, PREFIX, Purpose, Sessions, remove, survey},
        keep,
        server::Server,
    },
};

/// A family of databases (a template and its lanes) that is not used for this long is removed.
const KEPT_SECONDS: i64 = 7 * 24 * 3600;

/// How many families, those used last, are kept that long. Others go after [`SAFE_SECONDS`].
const KEPT_FAMILIES: usize = 8;

/// A family used within this time is never removed: its process may be between two connections.
const SAFE_SECONDS: i64 = 3600;

/// Removes the families that are stale. Nothing waits for this, and what fails is tried again by
/// the process that next makes a template.
pub(super) async fn reap(server: Arc<Server>, current: DatabaseName) {
    if let Err(error) = try_reap(&server, &current).await {
        log::debug(format_args!("stale databases were not removed: {error}"));
    }
}

async fn try_reap(server: &Arc<Server>, current: &DatabaseName) -> Result<(), sqlx::Error> {
    let Ok(mut maintenance) = server.maintenance().await else {
        return Ok(());
    };
    keep::expire(server, &mut maintenance).await;
    let now = Mark::now();
    let (families, abandoned) = families(&mut maintenance, now).await?;
    let mut families: Vec<_> = families.into_iter().collect();
    families.retain(|(name, _)| name != current.family());
    families.sort_by_key(|(_, family)| std::cmp::Reverse(family.last_used));
    for (rank, (name, family)) in families.into_iter().enumerate() {
        if family.last_used == 0 || family.last_used > now + SAFE_SECONDS {
            // It has lost its mark, or the clock has been set back since: its age counts from now.
            mark(&mut maintenance, &family.members).await;
            continue;
        }
        let age = now - family.last_used;
        let stale = age > KEPT_SECONDS || (rank >= KEPT_FAMILIES && age > SAFE_SECONDS);
        if stale {
            log::info(format_args!(
                "removing the stale template {name} with its lanes"
            ));
            for database in family.members {
                remove_unused(&mut maintenance, &database).await?;
            }
        }
    }
    roles::reap(&mut maintenance).await?;
    maintenance.close().await?;
    clean_up(Arc::clone(server), abandoned).await;
    Ok(())
}

#[derive(Default)]
struct Family {
    last_used: i64,
    members: Vec<DatabaseName>,
}

/// Our databases by family, and those that killed processes left.
async fn families(
    maintenance: &mut PgConnection,
    now: i64,
) -> Result<(HashMap<String, Family>, Vec<DatabaseName>), sqlx::Error> {
    let (mut families, mut abandoned) = (HashMap::<String, Family>::new(), Vec::new());
    for found in survey(maintenance, PREFIX).await? {
        if found.fate(now) == Fate::Abandoned {
            abandoned.push(found.database);
            continue;
        }
        let family = families
            .entry(found.database.family().to_owned())
            .or_default();
        family.last_used = family
            .last_used
            .max(found.mark().map_or(0, |mark| mark.used));
        family.members.push(found.database);
    }
    Ok((families, abandoned))
}

/// Marks the template of a family. A lane is marked only by a process that has used it.
async fn mark(maintenance: &mut PgConnection, members: &[DatabaseName]) {
    let mut members = members.iter();
    if let Some(template) = members.find(|member| member.purpose() == Purpose::Template) {
        let sql = Mark::clean().statement(template);
        maintenance
            .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await
            .ok();
    }
}

/// Removes a database without connections; the server refuses others.
async fn remove_unused(
    maintenance: &mut PgConnection,
    database: &DatabaseName,
) -> Result<(), sqlx::Error> {
    match remove(maintenance, database, Sessions::Respected).await {
        Err(error) if error.as_database_error().is_some() => {
            log::debug(format_args!("{database} was not removed: {error}"));
            Ok(())
        }
        result => result,
    }
}

//! Removing templates and lanes that nothing has used for long.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::{database::OwnDatabase, keep, lane::Mark, log, server::Server};

/// A family of databases (a template and its lanes) that is not used for this long is removed.
const KEPT_SECONDS: i64 = 7 * 24 * 3600;

/// So many families are kept however recently others were used, for checkouts that alternate.
const KEPT_FAMILIES: usize = 8;

/// A family used within this time is never removed: its process may be between two connections.
const SAFE_SECONDS: i64 = 3600;

/// Removes the families that are stale. Nothing waits for this, and what fails is tried again by
/// the process that next makes a template.
pub(super) async fn reap(server: Arc<Server>, current: OwnDatabase) {
    if let Err(error) = try_reap(&server, &current).await {
        log::debug(format_args!("stale databases were not removed: {error}"));
    }
}

async fn try_reap(server: &Server, current: &OwnDatabase) -> Result<(), sqlx::Error> {
    let Ok(mut door) = server.door().await else {
        return Ok(());
    };
    keep::expire(server, &mut door).await;
    let now = Mark::now();
    let mut families: Vec<_> = families(&mut door).await?.into_iter().collect();
    families.retain(|(name, _)| name != current.family());
    families.sort_by_key(|(_, family)| std::cmp::Reverse(family.last_used));
    for (rank, (name, family)) in families.into_iter().enumerate() {
        if family.last_used == 0 || family.last_used > now + SAFE_SECONDS {
            // Its maker was killed before it could leave a mark, or the clock has been set back
            // since: its age counts from now.
            mark(&mut door, &family.members).await;
            continue;
        }
        let age = now - family.last_used;
        let stale = age > KEPT_SECONDS || (rank >= KEPT_FAMILIES && age > SAFE_SECONDS);
        if stale {
            log::info(format_args!(
                "removing the stale template {name} with its lanes"
            ));
            remove(&mut door, family.members).await;
        }
    }
    door.close().await
}

#[derive(Default)]
struct Family {
    last_used: i64,
    members: Vec<OwnDatabase>,
}

/// Our databases by family.
async fn families(door: &mut PgConnection) -> Result<HashMap<String, Family>, sqlx::Error> {
    let rows = sqlx::query(
        "select datname, shobj_description(oid, 'pg_database') from pg_database where starts_with(datname, $1)",
    )
    .bind(crate::database::PREFIX)
    .fetch_all(door)
    .await?;
    let mut families = HashMap::<String, Family>::new();
    for row in rows {
        let Some(database) = OwnDatabase::recognize(row.try_get(0)?) else {
            continue;
        };
        let mark = row
            .try_get::<Option<String>, _>(1)?
            .and_then(|text| Mark::parse(&text));
        let family = families.entry(database.family().to_owned()).or_default();
        family.last_used = family.last_used.max(mark.map_or(0, |mark| mark.used));
        family.members.push(database);
    }
    Ok(families)
}

async fn mark(door: &mut PgConnection, members: &[OwnDatabase]) {
    if let Some(database) = members.first() {
        door.execute(sqlx::raw_sql(AssertSqlSafe(
            Mark::clean().statement(database),
        )))
        .await
        .ok();
    }
}

/// Drops what nobody is connected to: without `force`, the server refuses the others.
async fn remove(door: &mut PgConnection, members: Vec<OwnDatabase>) {
    for database in members {
        let open = format!("alter database {database} with is_template false");
        let drop = format!("drop database if exists {database}");
        for sql in [open, drop] {
            if let Err(error) = door.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await {
                log::debug(format_args!("{database} was not removed: {error}"));
            }
        }
    }
}

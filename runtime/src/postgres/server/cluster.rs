//! What belongs to the whole server and so outlives the database of the test that made it: roles
//! and their settings, databases, tablespaces, prepared transactions, settings of the server.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::Server;
use crate::{observe::recording::Recording, postgres::database::DatabaseName};

/// Each with the statement that removes it, in the order in which that can be done. Our own
/// databases and roles are not listed, nor those of the system.
const LIST: &str = r"
select 'prepared transaction' as kind, gid as name, format('rollback prepared %L', gid) as undo
from pg_prepared_xacts where database = current_database()
union all
select 'database', datname, format('drop database %I with (force)', datname)
from pg_database where oid >= 16384 and not starts_with(datname, 'dbt_')
union all
select 'setting of the role ' || rolname, split_part(setting, '=', 1), format('alter role %I reset %I', rolname, split_part(setting, '=', 1))
from pg_db_role_setting join pg_roles on pg_roles.oid = setrole, unnest(setconfig) setting where setdatabase = 0
union all
select 'role', rolname, format('drop owned by %1$I; drop role %1$I', rolname)
from pg_roles where oid >= 16384 and rolname <> 'db_test'
  and coalesce(shobj_description(oid, 'pg_authid'), '') not like '%made by the migrations of %'
union all
select 'tablespace', spcname, format('drop tablespace %I', spcname)
from pg_tablespace where oid >= 16384";

/// The same for `alter system`, whose file only a superuser may see.
const LIST_OF_SYSTEM: &str = r"
union all
select 'setting of the server', name, format('alter system reset %I; select pg_reload_conf()', name)
from pg_file_settings where sourcefile like '%postgresql.auto.conf'";

/// A statement that makes something of the kind has one of these words.
const WORDS: [&str; 5] = ["create", "alter", "prepare transaction", "call", "do "];

/// What exists, by kind and name.
#[derive(Default, Debug)]
pub(crate) struct Cluster(BTreeSet<(String, String)>);

struct Found {
    kind: String,
    name: String,
    undo: String,
}

impl Server {
    /// What exists before a test; empty if that cannot be read.
    pub(crate) async fn cluster(&self) -> Cluster {
        let Ok(mut connection) = self.maintenance().await else {
            return Cluster::default();
        };
        let found = self.list(&mut connection).await.unwrap_or_default();
        connection.close().await.ok();
        Cluster(
            found
                .into_iter()
                .map(|found| (found.kind, found.name))
                .collect(),
        )
    }

    /// Finds what a test has left, by what it sent and what was there `before`; removes it from a
    /// private server. Returns a line for each.
    pub(crate) async fn left_behind(
        &self,
        before: &Cluster,
        database: &DatabaseName,
        recording: &Recording,
    ) -> Vec<String> {
        let sent = what_was_sent(recording);
        if sent.is_empty() {
            return Vec::new();
        }
        let options = self.outside_options(Some(database));
        let Ok(mut connection) = self.connect(&options).await else {
            return Vec::new();
        };
        let mut left = Vec::new();
        for found in self.list(&mut connection).await.unwrap_or_default() {
            let key = (found.kind, found.name);
            // Other tests may have made what this one does not name.
            let names = |sql: &String| sql.contains(&key.1.to_lowercase());
            if before.0.contains(&key) || !sent.iter().any(names) {
                continue;
            }
            let (kind, name) = key;
            let what = format!(
                "the {kind} `{name}` outlives the test's database, because it belongs to the whole server"
            );
            left.push(if self.is_private() {
                match run(&mut connection, &found.undo).await {
                    Ok(()) => format!("{what}; it was removed"),
                    Err(error) => format!("{what}, and could not be removed: {error}"),
                }
            } else {
                format!("{what}; remove it in the test, or by hand: {};", found.undo)
            });
        }
        connection.close().await.ok();
        left
    }

    async fn list(&self, connection: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
        let sql = if self.is_private() {
            [LIST, LIST_OF_SYSTEM].concat()
        } else {
            LIST.to_owned()
        };
        let rows = connection
            .fetch_all(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await?;
        let read = rows.into_iter().map(|row| {
            Ok(Found {
                kind: row.try_get(0)?,
                name: row.try_get(1)?,
                undo: row.try_get(2)?,
            })
        });
        read.collect()
    }
}

/// The statements of a test that may have made something that belongs to the whole server.
fn what_was_sent(recording: &Recording) -> Vec<String> {
    let log = recording.log();
    let sent = log
        .statements
        .iter()
        .map(|statement| statement.sql().to_lowercase());
    sent.filter(|sql| WORDS.iter().any(|word| sql.contains(word)))
        .collect()
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    // One by one: databases cannot be dropped among other statements.
    for statement in sql.split("; ") {
        let statement = AssertSqlSafe(statement.to_owned());
        connection.execute(sqlx::raw_sql(statement)).await?;
    }
    Ok(())
}

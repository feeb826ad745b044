//! What runs on a given server beside the databases of db-test.

use std::time::Instant;

use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use super::Server;

/// The server's time, in seconds since 1970.
const NOW: &str = "select extract(epoch from clock_timestamp())::float8";

/// A statement that was sent to another database than db-test's.
pub(crate) struct Elsewhere {
    pub(crate) database: String,
    /// Its text, if it is short.
    pub(crate) sql: Option<String>,
}

impl Server {
    /// A statement that was sent beside our databases in that time, by the role that a URL names.
    /// On the private server there is no other database.
    pub(crate) async fn used_elsewhere(&self, from: Instant, to: Instant) -> Option<Elsewhere> {
        if self.is_private() {
            return None;
        }
        let mut connection = self.maintenance().await.ok()?;
        // The server's clock was read between these two moments.
        let asked = Instant::now();
        let read = connection.fetch_one(NOW).await.ok()?;
        let answered = Instant::now();
        let now: f64 = read.try_get(0).ok()?;
        let from = now - answered.duration_since(from).as_secs_f64();
        let to = now - asked.duration_since(to).as_secs_f64();
        let sql = last_between(from, to);
        let found = connection
            .fetch_optional(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await;
        connection.close().await.ok();
        let row = found.ok()??;
        Some(Elsewhere {
            database: row.try_get(0).ok()?,
            sql: row.try_get(1).ok()?,
        })
    }
}

/// The last statement that the role of this connection began in a database that is not ours,
/// between two moments. A long one may be cut in the middle of a secret.
fn last_between(from: f64, to: f64) -> String {
    format!(
        "select datname::text, case when octet_length(query) < 1000 then query end from pg_stat_activity \
         where backend_type = 'client backend' and usename = current_user \
         and application_name <> 'db-test' and not starts_with(datname, 'dbt_') and query <> '' \
         and query_start between to_timestamp({from:.6}) and to_timestamp({to:.6}) \
         order by query_start desc limit 1"
    )
}

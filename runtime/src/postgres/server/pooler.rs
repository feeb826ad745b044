//! Poolers in front of a server (`PgBouncer`, pgcat, Supavisor, Odyssey, Pgpool, RDS Proxy), which
//! are recognized and refused.
//!
//! A lane is a connection with a lock, settings and a transaction of its own, to a database that is
//! dropped when nobody is connected to it. A pooler gives the lock to another client, and stays
//! connected.

use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, PgConnection, Row};

use super::{ConnectFailure, Origin, Server};
use crate::postgres::cause::Cause;

/// Words in the messages of poolers that PostgreSQL does not use, outside of quoted names.
const WORDS: &[&str] = &[
    "unsupported startup parameter",
    "no such database:",
    "pgbouncer",
    "pooler",
    "server_login_retry",
    "query_wait_timeout",
    "no pool configured",
    "tenant or user not found",
    "max clients reached",
    "odyssey",
    "rds proxy",
    "pgpool",
];

/// How long a backend may take to end after its connection was closed; some milliseconds are usual.
const END_LIMIT: Duration = Duration::from_secs(1);

const POLL: Duration = Duration::from_millis(5);

/// What tells one backend from all others, and whether the given one is still there. As a simple
/// query, because a pooler may have given the statements of one client to another.
fn identify(other: &str) -> String {
    let identity = "pid::text || ' ' || backend_start::text";
    format!(
        "select (select {identity} from pg_stat_activity where pid = pg_backend_pid()), \
         exists (select from pg_stat_activity where {identity} = '{other}')"
    )
}

impl Server {
    /// Refuses a pooler: its backends outlive the connections to it, and serve the next ones.
    ///
    /// It costs two connections, so it is done where a template or a lane has to be made, and only
    /// with a URL.
    pub(crate) async fn refuse_pooler(&self) -> Result<(), Cause> {
        if self.is_private() {
            return Ok(());
        }
        let mut seen = vec![self.identify("").await?.0];
        let began = Instant::now();
        while began.elapsed() < END_LIMIT {
            let (next, last_lives) = self.identify(&seen[seen.len() - 1]).await?;
            // Any earlier one: another test's connection may have got the last one meanwhile.
            if seen.contains(&next) {
                return Err(
                    self.pooler("two connections, one after the other, got the same backend")
                );
            }
            if !last_lives {
                break;
            }
            seen.push(next);
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// A new connection's backend, and whether another one is still there.
    async fn identify(&self, other: &str) -> Result<(String, bool), Cause> {
        let mut maintenance = self.maintenance().await?;
        let identified = read_identity(&mut maintenance, other).await;
        maintenance.close().await.ok();
        identified.map_err(|error| Cause::Statement {
            action: "look for a pooler".to_owned(),
            server: self.to_string(),
            error,
        })
    }

    /// Refuses a pooler that announced another process id than its backend has.
    pub(crate) fn refuse_unlike(&self, announced: Option<i32>, backend: i32) -> Result<(), Cause> {
        match announced {
            Some(announced) if announced != backend && !self.is_private() => Err(self.pooler(&format!(
                "it says that its process is {announced}, and the process that answers is {backend}"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether a connection was refused in the words of a pooler.
    pub(super) fn spoken_by_pooler(&self, failure: &ConnectFailure) -> Option<Cause> {
        let ConnectFailure::Refused(error) = failure else {
            return None;
        };
        let message = error.as_database_error()?.message();
        (!self.is_private() && is_of_a_pooler(message))
            .then(|| self.pooler(&format!("it says: {message}")))
    }

    fn pooler(&self, evidence: &str) -> Cause {
        let variable = match self.origin {
            Origin::Url { variable, .. } => variable,
            #[cfg(unix)]
            Origin::Local { .. } => "TEST_DB_URL",
        };
        Cause::Pooler {
            server: self.to_string(),
            variable,
            evidence: evidence.to_owned(),
        }
    }
}

async fn read_identity(
    maintenance: &mut PgConnection,
    other: &str,
) -> Result<(String, bool), sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(identify(other));
    let row = maintenance.fetch_one(sqlx::raw_sql(sql)).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

fn is_of_a_pooler(message: &str) -> bool {
    let unquoted: String = message.split('"').step_by(2).collect();
    let unquoted = unquoted.to_lowercase();
    WORDS.iter().any(|words| unquoted.contains(words))
}

#[cfg(test)]
mod tests {
    use super::is_of_a_pooler;

    #[test]
    fn poolers_are_known_by_their_words() {
        for message in [
            "unsupported startup parameter: extra_float_digits",
            "unsupported startup parameter in options: role",
            "no such database: dbt_0123456789abcdef_1",
            "pgbouncer cannot connect to server",
            "No pool configured for database: \"app\", user: \"ada\"",
            "Tenant or user not found",
            "MaxClientsInSessionMode: max clients reached",
            "Feature not supported: RDS Proxy currently doesn't support command-line options.",
        ] {
            assert!(is_of_a_pooler(message), "{message}");
        }
    }

    #[test]
    fn a_name_that_somebody_has_chosen_makes_no_pooler() {
        for message in [
            "password authentication failed for user \"pgbouncer\"",
            "database \"no such database:\" does not exist",
            "role \"pooler\" does not exist",
            "sorry, too many clients already",
        ] {
            assert!(!is_of_a_pooler(message), "{message}");
        }
    }
}

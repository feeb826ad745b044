//! Lanes that accept no second connection, because something in them can make the server connect to
//! itself.
//!
//! What such a connection writes is committed outside of the test's transaction. `ALTER DATABASE …
//! ALLOW_CONNECTIONS false` refuses every further connection, and leaves the one that claims the
//! lane.

use sqlx::{AssertSqlSafe, Connection, Executor};

use super::LaneId;
use crate::{
    Error,
    postgres::{database::DatabaseName, server::Server},
};

/// Who may connect to a lane besides the process that claimed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seclusion {
    /// Anybody: nothing in it connects, or it cannot be closed.
    None,
    /// Nobody.
    Closed,
    /// Anybody again, because the test needed that; what was committed meanwhile is not known.
    Reopened,
}

impl Seclusion {
    /// What a lane needs in which something may connect or not, and what its server can do.
    pub(super) fn of(connects: bool, server_version: Option<u32>) -> Self {
        if connects && server_version.is_some_and(is_possible) {
            Self::Closed
        } else {
            Self::None
        }
    }
}

/// An expression: whether a database has an extension or a language that may connect to it.
pub(super) const CONNECTS: &str = "(exists (select from pg_extension where extname in \
    ('dblink', 'postgres_fdw', 'plproxy', 'pg_background', 'pg_cron', 'pg_task')) or \
    exists (select from pg_language where not lanpltrusted and lanname not in ('internal', 'c')))";

/// Whether parallel workers may connect where nobody else may: since the releases of February 2025.
fn is_possible(server_version: u32) -> bool {
    let since = match server_version / 10_000 {
        14 => 16,
        15 => 11,
        16 => 7,
        17 => 3,
        _ => 0,
    };
    server_version % 10_000 >= since
}

/// The statement that allows or refuses further connections.
pub(super) fn statement(database: &DatabaseName, others: bool) -> String {
    format!("alter database {database} allow_connections {others}")
}

impl Server {
    /// Closes a lane to everybody else, if it needs that.
    pub(super) async fn seclude(&self, lane: &mut LaneId, needed: Seclusion) -> Result<(), Error> {
        if let Some(database) = &lane.own
            && needed == Seclusion::Closed
        {
            // The server refuses the statement on a connection to that database.
            self.let_others_connect(database, false).await?;
            lane.seclusion = Seclusion::Closed;
        }
        Ok(())
    }

    /// Lets others connect to a lane again that was closed to them.
    pub(crate) async fn reopen(&self, lane: &mut LaneId) -> Result<(), Error> {
        if let Some(database) = &lane.own
            && lane.seclusion == Seclusion::Closed
        {
            self.let_others_connect(database, true).await?;
            lane.seclusion = Seclusion::Reopened;
        }
        Ok(())
    }

    async fn let_others_connect(&self, database: &DatabaseName, others: bool) -> Result<(), Error> {
        let sql = statement(database, others);
        let action = format!("run `{sql}`");
        let mut maintenance = self.maintenance().await.map_err(Error::from)?;
        let done = maintenance.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
        maintenance.close().await.ok();
        done.map(drop)
            .map_err(|error| Error::from(self.statement_failed(&action, error)))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn workers_of_older_servers_would_be_refused() {
        for (version, possible) in [
            (140_015, false),
            (140_023, true),
            (150_010, false),
            (150_011, true),
            (170_002, false),
            (170_003, true),
            (180_000, true),
        ] {
            assert_eq!(super::is_possible(version), possible, "{version}");
        }
    }
}

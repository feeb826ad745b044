//! Removing a lane that cannot be trusted any more.

use sqlx::Connection;

use super::LaneId;
use crate::{
    observe::log,
    postgres::{
        database::{DatabaseName, Sessions, remove},
        server::Server,
    },
};

/// Which connections to a lane are terminated when it is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Terminate {
    /// The lane's own one.
    OwnConnection,
    /// All to its database: the test may have opened more.
    All,
}

/// Each call waits until its backend is gone, at most two seconds.
macro_rules! terminate {
    () => {
        "select pg_terminate_backend(pid, 2000) from pg_stat_activity where "
    };
}

/// Terminates what is still connected, and drops the lane's database.
///
/// A failure is repaired later: the lane's mark still says busy, so the next process that looks for
/// lanes removes it.
pub(super) async fn retire(server: &Server, lane: &LaneId, terminate: Terminate) {
    if let Err(error) = try_retire(server, lane, terminate).await {
        log::debug(format_args!("{lane} is not removed yet: {error}"));
    }
}

async fn try_retire(
    server: &Server,
    lane: &LaneId,
    terminate: Terminate,
) -> Result<(), crate::BoxError> {
    let mut maintenance = server.maintenance().await?;
    let database = lane.own.as_ref().map(DatabaseName::as_str);
    match terminate {
        Terminate::OwnConnection => {
            let sql = concat!(terminate!(), "pid = $1 and application_name = 'db-test'");
            sqlx::query(sql)
                .bind(lane.backend)
                .execute(&mut maintenance)
                .await?;
        }
        Terminate::All => {
            let sql = concat!(terminate!(), "datname = $1");
            sqlx::query(sql)
                .bind(database)
                .execute(&mut maintenance)
                .await?;
        }
    }
    if let Some(database) = database {
        remove(&mut maintenance, database, Sessions::Respected).await?;
    }
    maintenance.close().await?;
    Ok(())
}

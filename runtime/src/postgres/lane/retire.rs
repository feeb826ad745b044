//! Removing a lane that cannot be trusted any more.

use sqlx::Connection;

use super::LaneId;
use crate::{
    observe::log,
    postgres::{
        database::{OwnDatabase, Sessions, remove},
        server::Server,
    },
};

/// Who is cut off from a lane that is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Terminate {
    /// Whoever still holds the lane's own connection.
    OwnConnection,
    /// Every connection to its database, which the test was free to open.
    All,
}

/// Each call waits until its backend is gone, at most two seconds.
macro_rules! terminate {
    () => {
        "select pg_terminate_backend(pid, 2000) from pg_stat_activity where "
    };
}

/// Cuts off whoever may still be connected, and drops the lane's database.
///
/// What fails here is not lost: the lane's mark still says busy, so the next process that looks for lanes removes it.
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
    let database = lane.own.as_ref().map(OwnDatabase::as_str);
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

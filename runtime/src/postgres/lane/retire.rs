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
pub(crate) enum Cut {
    /// Whoever still holds the lane's own connection.
    Holder,
    /// Every connection to its database, which the test was free to open.
    Everybody,
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
pub(super) async fn retire(server: &Server, lane: &LaneId, cut: Cut) {
    if let Err(error) = try_retire(server, lane, cut).await {
        log::debug(format_args!("{lane} is not removed yet: {error}"));
    }
}

async fn try_retire(server: &Server, lane: &LaneId, cut: Cut) -> Result<(), crate::BoxError> {
    let mut door = server.door().await?;
    let database = lane.own.as_ref().map(OwnDatabase::as_str);
    match cut {
        Cut::Holder => {
            let sql = concat!(terminate!(), "pid = $1 and application_name = 'db-test'");
            sqlx::query(sql)
                .bind(lane.backend)
                .execute(&mut door)
                .await?;
        }
        Cut::Everybody => {
            let sql = concat!(terminate!(), "datname = $1");
            sqlx::query(sql).bind(database).execute(&mut door).await?;
        }
    }
    if let Some(database) = database {
        remove(&mut door, database, Sessions::Respected).await?;
    }
    door.close().await?;
    Ok(())
}

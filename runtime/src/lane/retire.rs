//! Removing a lane that cannot be trusted any more.

use sqlx::{AssertSqlSafe, Connection, Executor};

use super::LaneId;
use crate::server::Server;

/// Ends the lane's connection, whoever still holds it, and drops its database.
///
/// What fails here is not lost: the lane's mark still says busy, so its next claimant removes it.
pub(super) async fn retire(server: &Server, lane: LaneId) {
    if let Err(error) = try_retire(server, &lane).await {
        tracing::debug!(?lane, %error, "lane not removed yet");
    }
}

/// Each call waits until its backend is gone, at most two seconds.
macro_rules! terminate {
    () => {
        "select pg_terminate_backend(pid, 2000) from pg_stat_activity"
    };
}

async fn try_retire(server: &Server, lane: &LaneId) -> Result<(), crate::BoxError> {
    let mut door = server.door().await?;
    if let Some((_, database)) = &lane.own {
        // Whatever is connected to a database of our own belongs to the test that is over.
        let sql = concat!(terminate!(), " where datname = $1");
        sqlx::query(sql)
            .bind(database.as_str())
            .execute(&mut door)
            .await?;
        let sql = format!("drop database if exists {database}");
        door.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    } else {
        let sql = concat!(
            terminate!(),
            " where pid = $1 and application_name = 'db-test'"
        );
        sqlx::query(sql)
            .bind(lane.backend)
            .execute(&mut door)
            .await?;
    }
    door.close().await?;
    Ok(())
}

//! Leaving a mark on a lane.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::{
    database::{Mark, OwnDatabase},
    server::Server,
};

/// Leaves a mark on a lane, on a connection of its own or of a test's.
pub(crate) async fn leave(
    connection: &mut PgConnection,
    server: &Server,
    lane: &OwnDatabase,
    mark: &Mark,
) -> Result<(), sqlx::Error> {
    let sql = server.as_owner(mark.statement(lane));
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
    done.map(|_| ())
}

//! Dropping one of db-test's databases, in any state.

use std::{fmt::Display, time::Duration};

use sqlx::{AssertSqlSafe, Executor, PgConnection};

/// How long the server may take. A drop waits for a checkpoint, for however long that takes.
const LIMIT: Duration = Duration::from_mins(1);

/// What happens to the connections to a database that is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sessions {
    /// They end.
    Ended,
    /// The server refuses to remove a database that somebody is connected to.
    Respected,
}

/// Removes a database, if it is there: also one that a process was killed in the middle of
/// publishing (a template, which the server does not drop) or of dropping (invalid, which the
/// server does not alter: `datconnlimit` is -2 since 15.4).
///
/// # Errors
///
/// What the server says, or an error of kind `TimedOut` when it does not answer within a minute.
///
/// # Cancel safety
///
/// The database may remain in any state. The next survey recognizes and drops it.
pub(crate) async fn remove(
    connection: &mut PgConnection,
    database: impl Display,
    sessions: Sessions,
) -> Result<(), sqlx::Error> {
    let removing = async {
        let name = database.to_string();
        let protected = "select datistemplate from pg_database where datname = $1";
        let protected: Option<bool> = sqlx::query_scalar(protected)
            .bind(&name)
            .fetch_optional(&mut *connection)
            .await?;
        if protected == Some(true) {
            run(
                connection,
                format!("alter database {name} with is_template false"),
            )
            .await?;
        }
        let force = match sessions {
            Sessions::Ended => " with (force)",
            Sessions::Respected => "",
        };
        run(connection, format!("drop database if exists {name}{force}")).await
    };
    let timed_out = |_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(LIMIT, removing)
        .await
        .unwrap_or_else(timed_out)
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    let statement = sqlx::raw_sql(AssertSqlSafe(sql));
    connection.execute(statement).await.map(|_| ())
}

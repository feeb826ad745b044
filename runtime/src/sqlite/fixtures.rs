//! The scripts that run before a test's arguments are made.

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool, sqlite::SqliteConnectOptions,
};

use super::script;
use crate::{Error, database::fixtures::Fixtures};

/// Runs them on a connection of their own, which takes with it what a script has set.
pub(super) async fn load(fixtures: &Fixtures, options: &SqliteConnectOptions) -> Result<(), Error> {
    let failed = |error| fixtures.failure(0, None, error, "");
    let mut connection = options.connect().await.map_err(failed)?;
    run(fixtures, &mut connection).await?;
    connection.close().await.map_err(failed)
}

/// Runs them on a connection of the test's pool.
pub(super) async fn load_through(fixtures: &Fixtures, pool: &SqlitePool) -> Result<(), Error> {
    let connection = pool.acquire().await;
    let mut connection = connection.map_err(|error| fixtures.failure(0, None, error, ""))?;
    run(fixtures, &mut connection).await
}

async fn run(fixtures: &Fixtures, connection: &mut SqliteConnection) -> Result<(), Error> {
    for (number, (_, text)) in fixtures.scripts.iter().enumerate() {
        script::run(text, connection).await.map_err(|failed| {
            let line = failed.line.map(|(line, _)| line);
            fixtures.failure(number, line, failed.error, "")
        })?;
    }
    Ok(())
}

//! The scripts that run before a test's arguments are made.

use futures_util::StreamExt;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Either, Executor, SqliteConnection, SqlitePool,
    sqlite::SqliteConnectOptions,
};

use crate::{Error, database::fixtures::Fixtures, postgres::script_line};

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
        let mut statement = 0;
        let mut answers = connection.fetch_many(sqlx::raw_sql(AssertSqlSafe(*text)));
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Either::Left(_)) => statement += 1,
                Ok(Either::Right(_)) => {}
                Err(error) => {
                    let line = line_of(text, statement);
                    return Err(fixtures.failure(number, line, error, ""));
                }
            }
        }
    }
    Ok(())
}

/// The line of a statement; a trigger has semicolons inside.
fn line_of(script: &str, statement: usize) -> Option<usize> {
    let has_trigger = script.to_ascii_lowercase().contains("trigger");
    (!has_trigger).then(|| script_line::of_statement(script, statement))?
}

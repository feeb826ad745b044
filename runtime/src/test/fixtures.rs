//! The SQL scripts that `#[db_test(fixtures(…))]` runs before a test's arguments are made.
//!
//! All scripts go to the server in one query. A marker row between two scripts shows which script
//! an error belongs to. The number of answers before the error shows which statement, because
//! PostgreSQL reports a position only for some errors.

use futures_util::StreamExt;
use sqlx::{
    AssertSqlSafe, Column, Connection, Either, Executor, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};

use crate::{
    Error,
    database::fixtures::Fixtures,
    observe::recording::FIXTURES as PREFIX,
    postgres::{
        script_line,
        sqlstate::{self, is},
    },
};

/// The marker between two scripts.
const BOUNDARY: &str = "\n;select 1 as \"db_test fixture\";";

/// Runs the scripts on a separate connection, so that settings made by a script end with it.
pub(crate) async fn load_by(fixtures: &Fixtures, options: &PgConnectOptions) -> Result<(), Error> {
    let failed = |error| failure(fixtures, 0, None, error);
    let mut connection = PgConnection::connect_with(options).await.map_err(failed)?;
    run(fixtures, &mut connection).await?;
    connection.close().await.map_err(failed)
}

async fn run(fixtures: &Fixtures, connection: &mut PgConnection) -> Result<(), Error> {
    let texts: Vec<_> = fixtures.scripts.iter().map(|(_, text)| *text).collect();
    let sql = AssertSqlSafe(format!("{PREFIX}{}", texts.join(BOUNDARY)));
    let mut answers = connection.fetch_many(sqlx::raw_sql(sql));
    let (mut script, mut statement, mut at_boundary) = (0, 0, false);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Either::Right(row)) if is_boundary(&row) => {
                (script, statement, at_boundary) = (script + 1, 0, true);
            }
            Ok(Either::Right(_)) => {}
            Ok(Either::Left(_)) if at_boundary => at_boundary = false,
            Ok(Either::Left(_)) => statement += 1,
            Err(error) => {
                let (script, line) = match script_line::position_of(&error)
                    .and_then(|position| position.checked_sub(PREFIX.len()))
                {
                    Some(position) => script_line::in_script(&texts, BOUNDARY, position),
                    None => (script, script_line::of_statement(texts[script], statement)),
                };
                return Err(failure(fixtures, script, line, error));
            }
        }
    }
    Ok(())
}

fn failure(fixtures: &Fixtures, script: usize, line: Option<usize>, error: sqlx::Error) -> Error {
    let help = if is(&error, sqlstate::INSUFFICIENT_PRIVILEGE) {
        "\nthey run as the owner of the test's database; statements that only a superuser may run need \
         Session::postgres().superuser(), or on a given server the URL of a superuser"
    } else {
        ""
    };
    fixtures.failure(script, line, error, help)
}

fn is_boundary(row: &PgRow) -> bool {
    matches!(row.columns(), [column] if column.name() == "db_test fixture")
}

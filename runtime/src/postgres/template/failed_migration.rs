//! Which line of which file a migration failed on.

use std::time::Duration;

use futures_util::StreamExt;
use sqlx::{
    Either, Executor, PgPool,
    migrate::{MigrateError, Migration},
};

use super::Template;
use crate::{postgres::script_line, schema::shown_file_of};

/// How long finding the line may take; without it the message names the file alone.
const LIMIT: Duration = Duration::from_secs(5);

/// The file and the line, as terminals make a link of them.
///
/// The server gives a position with few errors. Otherwise the migration is run once more, if it can
/// run in a transaction, to count the statements that succeed; `draft` is a database that is not
/// used afterwards.
pub(super) async fn place(
    template: &Template,
    migration: Option<&Migration>,
    error: &MigrateError,
    draft: Option<&PgPool>,
) -> String {
    let (Some(migration), MigrateError::ExecuteMigration(error, _)) = (migration, error) else {
        return String::new();
    };
    let line = match (script_line::position_of(error), draft) {
        (Some(position), _) => Some(script_line::of_position(migration.sql.as_str(), position)),
        (None, Some(draft)) if !migration.no_tx => {
            let again = tokio::time::timeout(LIMIT, run_again(migration, error, draft));
            again.await.ok().flatten()
        }
        (None, _) => None,
    };
    let directory = &template.content.migrations_dir;
    let file = shown_file_of(migration, directory);
    match line {
        Some(line) => format!(" at {file}:{line}"),
        None => format!(" in {file}"),
    }
}

async fn run_again(migration: &Migration, first: &sqlx::Error, draft: &PgPool) -> Option<usize> {
    let mut transaction = draft.begin().await.ok()?;
    let mut answers = transaction.fetch_many(sqlx::raw_sql(migration.sql.clone()));
    let mut statement = 0;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Either::Left(_)) => statement += 1,
            Ok(Either::Right(_)) => {}
            Err(error) if code(&error) == code(first) => {
                return script_line::of_statement(migration.sql.as_str(), statement);
            }
            Err(_) => return None,
        }
    }
    None
}

fn code(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?;
    error.code().map(std::borrow::Cow::into_owned)
}

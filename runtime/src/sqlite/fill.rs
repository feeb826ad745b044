//! What a template is filled with: the session's migrations, then its seeds.

use std::path::Path;

use sqlx::{Executor, SqlitePool, migrate::MigrateError, sqlite::SqlitePoolOptions};

use super::{
    content::Content,
    script::{self, Failed},
};
use crate::{database::cause::Cause, executor::panics::caught, observe::report::chain, schema};

/// Fills a new file, and leaves nothing beside it.
pub(super) async fn fill(draft: &Path, content: &Content) -> Result<(), Cause> {
    let options = content.settings.options(draft).create_if_missing(true);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options);
    let filled = fill_through(&pool, content).await;
    // The last connection to be closed empties the write-ahead log into the file.
    pool.close().await;
    filled
}

async fn fill_through(pool: &SqlitePool, content: &Content) -> Result<(), Cause> {
    let migrator = &content.migrator;
    if let Err(error) = migrator.run(pool).await {
        let migration = schema::failed_migration(migrator, &error);
        let mut at = String::new();
        if let Some(migration) = migration {
            let file = schema::shown_file_of(migration, &content.migrations_dir);
            at = match script::failed_line(migration, &error, pool).await {
                Some(line) => format!(" at {file}:{line}"),
                None => format!(" in {file}"),
            };
        }
        return Err(Cause::Migration {
            name: schema::name_of(migration).into(),
            at: at.into(),
            place: Box::default(),
            help: help(&error),
            is_transient: match &error {
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                    is_transient(error)
                }
                _ => false,
            },
            error,
        });
    }
    let failed = |problem: String, error: Option<&sqlx::Error>| Cause::Seed {
        problem,
        is_transient: error.is_some_and(is_transient),
    };
    for sql in &content.seed_sql {
        let run = async { script::run(sql, &mut *pool.acquire().await?).await };
        run.await.map_err(|Failed { error, line }| {
            let place = line.map(|(number, text)| format!("\nin line {number} of its SQL: {text}"));
            failed(chain(&error) + &place.unwrap_or_default(), Some(&error))
        })?;
    }
    if let Some(seed) = &content.settings.seed {
        let seeding = caught(Box::pin(seed.run(pool.clone()))).await;
        seeding
            .and_then(|seeded| seeded)
            .map_err(|error| failed(chain(error.as_ref()), error.downcast_ref()))?;
    }
    // Creates the file where there is nothing to put into it.
    let touched = pool.execute("pragma user_version").await;
    touched
        .map(drop)
        .map_err(|error| failed(chain(&error), Some(&error)))
}

/// Whether the next test may try again: there was no room, or all connections were held.
fn is_transient(error: &sqlx::Error) -> bool {
    const FULL: &str = "13";
    match error.as_database_error() {
        Some(error) => error.code().as_deref() == Some(FULL),
        None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut),
    }
}

/// What to do where migrations written for PostgreSQL were run.
fn help(error: &MigrateError) -> Box<str> {
    let MigrateError::ExecuteMigration(error, _) = error else {
        return Box::default();
    };
    if error.to_string().contains("syntax error") {
        "\nthe session's database is SQLite; if the migration is PostgreSQL's, the session is `Session::postgres()`".into()
    } else {
        Box::default()
    }
}

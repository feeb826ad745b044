//! The mistakes in the description of a session, with their messages.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use crate::{
    error::{Error, Problem},
    observe::report::chain,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("the migrations in {} could not be read: {}\ncheck the path given to `.migrations(…)`", directory.display(), chain(error))]
    MigrationsUnreadable {
        directory: PathBuf,
        #[source]
        error: MigrateError,
    },

    #[error(
        "the directory {} is missing, which existed when these tests were compiled; without it their database would be empty\n\
         run the tests in a checkout (an archive of nextest: with --workspace-remap), or embed the migrations: \
         `.migrations(sqlx::migrate!())`; if they were removed on purpose, compile the tests again",
        directory.display()
    )]
    MigrationsGone { directory: PathBuf },

    #[error(
        "there are no migrations in {}: {found}\n\
         for a session without migrations, write `.migrations(sqlx::migrate::Migrator::DEFAULT)`, or remove the directory",
        directory.display()
    )]
    NoMigrations { directory: PathBuf, found: String },

    #[error(
        "two migrations have the version {version}: `{files}`\nrename one of them to another version"
    )]
    MigrationsOfOneVersion { version: i64, files: String },

    #[cfg(feature = "sqlite")]
    #[error("{what} needs PostgreSQL, and the session's database is SQLite\n{help}")]
    NotOfSqlite {
        what: &'static str,
        help: &'static str,
    },

    #[error("several sessions are registered: {}\nkeep one, or name each test's with #[db_test(session = path)]", paths.join(", "))]
    SeveralSessions { paths: Vec<&'static str> },
}

impl Problem for Cause {}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::new(cause)
    }
}

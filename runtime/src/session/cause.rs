//! What is wrong with the description of a session, each with its text.

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
        "there is no {}, and there was one when these tests were compiled: without it their database is empty\n\
         run the tests in a checkout (an archive of nextest's: with --workspace-remap), or embed the migrations: \
         `.migrations(sqlx::migrate!())`; if they were removed for good, compile the tests again",
        directory.display()
    )]
    MigrationsGone { directory: PathBuf },

    #[error(
        "there are no migrations in {}: {found}\n\
         a session without any says so: `.migrations(sqlx::migrate::Migrator::DEFAULT)`; or remove the directory",
        directory.display()
    )]
    NoMigrations { directory: PathBuf, found: String },

    #[error(
        "two migrations have the version {version}: `{files}`\ngive one of them another number"
    )]
    MigrationsOfOneVersion { version: i64, files: String },

    #[error("several sessions are registered: {}\nkeep one, or name each test's with #[db_test(session = path)]", paths.join(", "))]
    SeveralSessions { paths: Vec<&'static str> },
}

impl Problem for Cause {}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::new(cause)
    }
}

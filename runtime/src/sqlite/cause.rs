//! What stops a test with SQLite, with what to do.

use crate::error::{Error, Problem};

/// The causes, each with its text.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error(
        "found no directory for the SQLite files of tests:\n{problem}\n\
         set DB_TEST_HOME to a directory that only you can write to"
    )]
    NoFiles { problem: String },

    #[error(
        "the template could not be loaded into memory: {problem}\n\
         SQLite allows 1 GB; write `isolation = \"database\"` where the schema and its seeds need more"
    )]
    NotLoaded { problem: String },

    #[error(
        "with `isolation = \"memory\"` a test has one connection, that of its pool, and nothing else leads to its database\n\
         take `SqlitePool` or `cx.sqlite_pool()`, or write `isolation = \"database\"`"
    )]
    OneConnection,
}

impl Problem for Cause {}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::new(cause)
    }
}

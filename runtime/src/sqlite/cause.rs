//! What stops a test with SQLite, with what to do.

use crate::error::{Error, Problem};

/// The causes, each with its text.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("{what} is of PostgreSQL alone, and the session's database is SQLite\n{advice}")]
    NotOfSqlite {
        what: &'static str,
        advice: &'static str,
    },

    #[error(
        "there is no place for the SQLite files of tests:\n{problem}\n\
         set DB_TEST_HOME to a directory that only you can write to"
    )]
    NoFiles { problem: String },
}

impl Problem for Cause {}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::new(cause)
    }
}

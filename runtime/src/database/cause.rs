//! The causes for which a test's database cannot be prepared, whatever its kind, with their
//! messages.

use sqlx::migrate::MigrateError;

use crate::{
    error::{Error, Problem, ProblemKind},
    observe::report::chain,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(
        "migration {name} failed{at}: {}\nit ran on a new, empty database{place}; nothing of it was kept{help}",
        chain(error)
    )]
    Migration {
        name: Box<str>,
        /// The file and the line, where they are known.
        at: Box<str>,
        place: Box<str>,
        /// What to do, on a line of its own, where we know.
        help: Box<str>,
        /// Whether the next test may try again.
        is_transient: bool,
        #[source]
        error: MigrateError,
    },

    #[error(
        "the session's seed failed: {problem}\nit ran once, after the migrations; nothing of it was kept"
    )]
    Seed {
        problem: String,
        /// Whether the next test may try again.
        is_transient: bool,
    },

    #[error(
        "the fixture {place} failed: {}\n\
         the scripts run in the order of `fixtures(…)`, before the test's arguments are made{}",
        chain(error),
        help
    )]
    Fixture {
        place: String,
        /// What to do, on a line of its own, where we know.
        help: &'static str,
        #[source]
        error: sqlx::Error,
    },
}

impl Problem for Cause {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Migration { is_transient, .. } | Self::Seed { is_transient, .. } => !is_transient,
            Self::Fixture { .. } => true,
        }
    }

    fn kind(&self) -> ProblemKind {
        match self {
            Self::Fixture { .. } => ProblemKind::Fixture,
            _ => ProblemKind::Other,
        }
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::new(cause)
    }
}

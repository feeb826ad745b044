//! The causes for which a test's database cannot be prepared, whatever its kind, with their messages.

use crate::{
    error::{Error, Kind, Problem},
    observe::report::chain,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(
        "the fixture {place} failed: {}\n\
         the scripts run in the order of `fixtures(…)`, before the test's arguments are made{}",
        chain(error),
        help
    )]
    FixtureFailed {
        place: String,
        /// What to do, on a line of its own, where we know.
        help: &'static str,
        #[source]
        error: sqlx::Error,
    },
}

impl Problem for Cause {
    fn kind(&self) -> Kind {
        match self {
            Self::FixtureFailed { .. } => Kind::Fixture,
        }
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::new(cause)
    }
}

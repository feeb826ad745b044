//! The causes for which a test's database cannot be prepared, whatever its kind, with their messages.

use crate::{
    error::{Error, Kind, Problem},
    observe::report::chain,
    postgres::sqlstate::{self, is},
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(
        "the fixture {place} failed: {}\n\
         the scripts run in the order of `fixtures(…)`, before the test's arguments are made{}",
        chain(error),
        help_on_fixture(error)
    )]
    FixtureFailed {
        place: String,
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

/// Help for a fixture that failed for a known reason.
fn help_on_fixture(error: &sqlx::Error) -> &'static str {
    if is(error, sqlstate::INSUFFICIENT_PRIVILEGE) {
        "\nthey run as the owner of the test's database; statements that only a superuser may run need \
         Session::postgres().superuser(), or on a given server the URL of a superuser"
    } else {
        ""
    }
}

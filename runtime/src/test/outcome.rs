//! How the body of a test ended.

use std::{any::Any, future::Future, pin::Pin, process::ExitCode, time::Duration};

use crate::{
    BoxError, Error, database::keeping::Verdict, error::ProblemKind, executor::panics,
    test::description::Test,
};

/// The return value of a test as an exit code; an error in it has been printed.
#[derive(Debug)]
pub struct Reported(pub(crate) ExitCode);

/// The future of a test's arguments and body.
pub(crate) type TestFuture = Pin<Box<dyn Future<Output = Result<Reported, ArgumentError>>>>;

/// An argument of the test function could not be made.
#[derive(Debug)]
pub struct ArgumentError {
    pub(crate) type_name: &'static str,
    pub(crate) cause: BoxError,
}

impl ArgumentError {
    /// The end of the report's title.
    pub(crate) fn headline(&self) -> &'static str {
        match self.cause.downcast_ref::<Error>() {
            Some(error) if error.is(ProblemKind::Fixture) => "did not run: a fixture failed",
            Some(error) if !error.is(ProblemKind::Argument) => "did not run: it got no database",
            _ => "did not run: an argument could not be made",
        }
    }
}

/// How the body of a test ended, whatever happened in its database.
pub(crate) enum Outcome {
    /// Its session or its database could not be opened.
    NotRun,
    Passed,
    /// It returned an error, which has been printed.
    Failed(ExitCode),
    /// Its panic message has been printed by the panic hook.
    Panicked(Box<dyn Any + Send>),
    /// It panicked because the harness cannot do what it asks.
    Misused(Box<dyn Any + Send>),
    TimedOut(Duration),
    /// It returned after its limit: it blocked its thread, so it could not be cancelled.
    Blocked {
        took: Duration,
    },
    NoArgument(ArgumentError),
}

impl Outcome {
    pub(crate) fn of(
        returned: Result<Reported, ArgumentError>,
        took: Duration,
        allowed: Duration,
    ) -> Self {
        match returned {
            Ok(Reported(code)) if code != ExitCode::SUCCESS => Self::Failed(code),
            Ok(_) if took > allowed => Self::Blocked { took },
            Ok(_) => Self::Passed,
            Err(error) => Self::NoArgument(error),
        }
    }

    pub(crate) fn of_panic(panic: Box<dyn Any + Send>) -> Self {
        if panics::is_misuse(panic.as_ref()) {
            Self::Misused(panic)
        } else {
            Self::Panicked(panic)
        }
    }

    pub(crate) fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }

    /// What the end of the test's database depends on.
    pub(crate) fn verdict(&self, test: &Test) -> Verdict {
        Verdict {
            passes: self.passes(test),
            timed_out: matches!(self, Self::TimedOut(_)),
        }
    }

    /// Whether libtest will call this a success, so that nothing captured is shown.
    pub(crate) fn passes(&self, test: &Test) -> bool {
        match self {
            Self::Panicked(_) => test.should_panic,
            _ => self.passed() && !test.should_panic,
        }
    }
}

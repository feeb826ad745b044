//! How the body of a test ended.

use std::{any::Any, process::ExitCode, time::Duration};

use crate::{BoxError, macro_support::Reported};

/// An argument of the test function could not be made.
#[derive(Debug)]
pub struct ArgumentError {
    pub(crate) type_name: &'static str,
    pub(crate) cause: BoxError,
}

/// How the body of a test ended, before its sandbox was looked at.
pub(crate) enum Outcome {
    /// There was no database to run it with.
    NotRun,
    Passed,
    /// It returned an error, which has been printed.
    Failed(ExitCode),
    /// Its panic message has been printed by the panic hook.
    Panicked(Box<dyn Any + Send>),
    TimedOut(Duration),
    NoArgument(ArgumentError),
}

impl Outcome {
    pub(crate) fn of(returned: Result<Reported, ArgumentError>) -> Self {
        match returned {
            Ok(Reported(ExitCode::SUCCESS)) => Self::Passed,
            Ok(Reported(code)) => Self::Failed(code),
            Err(error) => Self::NoArgument(error),
        }
    }

    pub(crate) fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }
}

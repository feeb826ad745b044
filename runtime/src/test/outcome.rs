//! How the body of a test ended.

use std::{any::Any, future::Future, iter, pin::Pin, process::ExitCode, sync::Arc, time::Duration};

use crate::{
    BoxError, Error,
    error::Kind,
    observe::recording::Recording,
    overrides::UnusedOverrides,
    postgres::{keep::Verdict, sandbox::Ending},
    test::description::Test,
    test::faults::UnusedFaults,
};

/// What a test returned, as an exit code; an error in it has been printed.
#[derive(Debug)]
pub struct Reported(pub(crate) ExitCode);

/// A test's arguments and body, from first to last.
pub(crate) type TestFuture = Pin<Box<dyn Future<Output = Result<Reported, ArgumentError>>>>;

/// An argument of the test function could not be made.
#[derive(Debug)]
pub struct ArgumentError {
    pub(crate) type_name: &'static str,
    pub(crate) cause: BoxError,
}

impl ArgumentError {
    /// What the report says of the test in its first line.
    pub(crate) fn headline(&self) -> &'static str {
        match self.cause.downcast_ref::<Error>() {
            Some(error) if error.is(Kind::Fixture) => "could not be given its fixtures",
            _ => "could not be given its arguments",
        }
    }
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
    /// It returned, but after its time was up: it blocked its thread, so it could not be stopped.
    Blocked {
        took: Duration,
    },
    NoArgument(ArgumentError),
}

/// How the test's use of its databases ended.
pub(crate) struct Endings {
    pub(crate) first: Ending,
    /// Of the further ones that it has used, by name.
    pub(crate) further: Vec<(&'static str, Ending)>,
}

impl Endings {
    /// That of a test that has none but its first database.
    fn of(first: Ending) -> Self {
        let further = Vec::new();
        Self { first, further }
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &Ending> {
        let further = self.further.iter().map(|(_, ending)| ending);
        iter::once(&self.first).chain(further)
    }

    /// One that alone makes the test fail.
    pub(crate) fn failure(&self) -> Option<&Ending> {
        self.each().find(|ending| ending.is_failure())
    }
}

/// All that is known of a test when it is over.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// What went wrong with which of its teardowns.
    pub(crate) teardown: Vec<String>,
    pub(crate) endings: Endings,
    /// What was kept of it, if that was asked for.
    pub(crate) kept: Option<String>,
    /// The overrides that the test set in vain.
    pub(crate) unused_overrides: UnusedOverrides,
    /// The faults that it set in vain.
    pub(crate) unused_faults: UnusedFaults,
    /// What exceeds the limits that the test's attribute sets for its queries.
    pub(crate) over_budget: Option<String>,
    /// What else the report tells, in sections.
    pub(crate) remarks: Vec<(&'static str, String)>,
    /// What the test did, if there was a test.
    pub(crate) recording: Option<Arc<Recording>>,
}

impl Ended {
    /// Whether something but the body made the test fail.
    pub(crate) fn is_spoiled(&self) -> bool {
        let over_budget = self.outcome.passed() && self.over_budget.is_some();
        self.endings.failure().is_some() || !self.teardown.is_empty() || over_budget
    }

    /// A test that there was no database for.
    pub(crate) fn without_running(error: Error) -> Self {
        let (outcome, endings) = (Outcome::NotRun, Endings::of(Ending::NotOpened(error)));
        Self {
            outcome,
            teardown: Vec::new(),
            endings,
            kept: None,
            unused_overrides: UnusedOverrides::default(),
            unused_faults: UnusedFaults::default(),
            over_budget: None,
            remarks: Vec::new(),
            recording: None,
        }
    }
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

//! The error type of the library. Each part has its causes (`cause.rs`), with their messages.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::observe::printable::printable;

/// An error of any type, as [`FromTest`](crate::FromTest) and a session's functions return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the session of a test could not be started or used.
///
/// The same error stops every test that needs the session; clones are the same error. It says
/// what was attempted, on what, and what to do; it never holds a password.
#[derive(Clone)]
pub struct Error(Arc<dyn Problem>);

/// Something that stops a test, with its text.
pub(crate) trait Problem: std::error::Error + Send + Sync + 'static {
    /// Whether each test of the session would get the same problem. Otherwise the next test tries
    /// again.
    fn is_permanent(&self) -> bool {
        true
    }

    fn kind(&self) -> ProblemKind {
        ProblemKind::Other
    }
}

/// The kinds of problems that are handled differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// A fixture of the test failed.
    Fixture,
    /// An argument of the test needs something that its session does not have.
    Argument,
    /// A user's function that runs before the test panicked.
    Panic,
    /// The test used its database after its end.
    TestEnded,
    /// The server has no free connection at present.
    OutOfConnections,
    Other,
}

impl Error {
    pub(crate) fn new(problem: impl Problem) -> Self {
        Self(Arc::new(problem))
    }

    pub(crate) fn is(&self, kind: ProblemKind) -> bool {
        self.0.kind() == kind
    }

    /// Whether it would be the same for each test of the session.
    pub(crate) fn is_permanent(&self) -> bool {
        self.0.is_permanent()
    }

    /// The text for one test's report: whole for the first that needs it, a pointer for others.
    /// Failures with the same text count as one.
    pub(crate) fn for_report_of(&self, test: &'static str) -> String {
        static PRINTED: Mutex<BTreeMap<String, &str>> = Mutex::new(BTreeMap::new());
        let message = self.to_string();
        let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *printed.entry(message.clone()).or_insert(test);
        if first == test {
            return message;
        }
        let first_line = message.lines().next().unwrap_or_default();
        format!("{first_line}\nsame cause as in {first} (full message there)")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0.to_string()))
    }
}

impl fmt::Debug for Error {
    /// The text as well: this is what `unwrap` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

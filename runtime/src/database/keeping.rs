//! Keeping the database of a failed test, of any kind, so that it can be looked at: `DB_TEST_KEEP`.

mod listing;
mod variable;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use self::variable::Request;
pub(crate) use self::{
    listing::{Kept, listing, most_are_kept},
    variable::{Upkeep, failed, upkeep},
};
use crate::observe::log;

/// How the body of a test ended, as far as the end of its database depends on it.
#[derive(Clone, Copy)]
pub(crate) struct Verdict {
    /// Whether it ended as it should.
    pub(crate) passes: bool,
    /// Whether it was cancelled at its limit.
    pub(crate) timed_out: bool,
}

/// Whether a test's database is kept, and what the report says about it.
pub(crate) struct Keeping {
    test: &'static str,
    request: Request,
    /// Whether the test fails, however its body ended.
    fails: Arc<AtomicBool>,
    lines: Mutex<Vec<String>>,
}

impl Keeping {
    pub(crate) fn of(test: &'static str) -> Self {
        Self {
            test,
            request: variable::request(),
            fails: Arc::default(),
            lines: Mutex::default(),
        }
    }

    /// The same for a further database of the test.
    pub(crate) fn another(&self) -> Self {
        Self {
            test: self.test,
            request: self.request,
            fails: Arc::clone(&self.fails),
            lines: Mutex::default(),
        }
    }

    pub(crate) fn test(&self) -> &'static str {
        self.test
    }

    /// Whether the database of a test that fails is to be kept.
    pub(crate) fn is_requested(&self) -> bool {
        matches!(self.request, Request::Failed | Request::All)
    }

    /// Whether the database of a test whose body ended like this is to be kept.
    pub(crate) fn is_due(&self, verdict: Verdict) -> bool {
        match self.request {
            Request::All => true,
            Request::Failed => self.fails.load(Ordering::Relaxed) || !verdict.passes,
            _ => false,
        }
    }

    /// Remembers that the test fails, however its body ended.
    pub(crate) fn test_fails(&self) {
        self.fails.store(true, Ordering::Relaxed);
    }

    /// Reports that the database is kept: the command that opens it, and how long it is there.
    pub(crate) fn kept(&self, command: String, about: String) {
        if self.request == Request::All {
            // The report of a test that passes is not shown.
            log::notice(format_args!("kept {}: {command}", self.test));
        }
        let mut lines = self.lines();
        lines.insert(0, command);
        lines.push(about);
    }

    /// Reports why the database is not kept.
    pub(crate) fn not_kept(&self, why: impl fmt::Display) {
        self.add_line(format!("nothing: {why}"));
    }

    /// Reports why there is nothing to keep, if the database was to be kept.
    pub(crate) fn nothing_to_keep(&self, verdict: Verdict, why: &str) {
        if self.is_due(verdict) {
            self.not_kept(why);
        }
    }

    /// Adds a line to what the report says about the database.
    pub(crate) fn add_line(&self, line: String) {
        self.lines().push(line);
    }

    /// What the report says, if there is anything to say.
    pub(crate) fn report(&self) -> Option<String> {
        let lines = self.lines();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

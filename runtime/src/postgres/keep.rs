//! Keeping the database of a failed test, so that it can be looked at: `DB_TEST_KEEP`.
//!
//! What the test has written is committed in its lane, which is then renamed and never used as a
//! lane again. The report says how to open it.

mod kept_databases;
mod variable;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

pub(crate) use self::{kept_databases::expire, variable::run_request};
use self::{kept_databases::set_aside, variable::Request};
use crate::{
    observe::log,
    postgres::{database::OwnDatabase, server::Server},
};

/// What the end of a test's database depends on.
#[derive(Clone, Copy)]
pub(crate) struct Verdict {
    /// Whether its body ended as it should.
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

    /// Whether the database of a test that fails is kept.
    pub(crate) fn is_requested(&self) -> bool {
        matches!(self.request, Request::Failed | Request::All)
    }

    /// Whether the database of a test whose body ended like this is kept.
    pub(crate) fn wants(&self, verdict: Verdict) -> bool {
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

    /// Renames the lane's database, whose connection must be closed. If it returns false, the lane
    /// still exists and has to be discarded.
    pub(crate) async fn set_aside(&self, server: &Server, database: &OwnDatabase) -> bool {
        let kept = match set_aside(server, database, self.test).await {
            Ok(kept) => kept,
            Err(problem) => {
                self.refuse(format_args!("{problem}"));
                return false;
            }
        };
        log::info(format_args!("kept {database} of {} as {kept}", self.test));
        let psql = server.psql(kept.as_str());
        if self.request == Request::All {
            // The report of a test that passes is not shown.
            log::notice(format_args!("kept {}: {psql}", self.test));
        }
        let mut lines = self.lines();
        lines.insert(0, psql);
        lines.push(server.about_kept().to_owned());
        true
    }

    /// Adds the command that opens the kept database, and how long it is kept.
    #[cfg(feature = "sqlite")]
    pub(crate) fn keep(&self, line: String, about: String) {
        if self.request == Request::All {
            // The report of a test that passes is not shown.
            log::notice(format_args!("kept {}: {line}", self.test));
        }
        let mut lines = self.lines();
        lines.insert(0, line);
        lines.push(about);
    }

    /// Adds why there is nothing to keep, if the database was to be kept.
    pub(crate) fn has_nothing_of(&self, verdict: Verdict, why: &str) {
        if self.wants(verdict) {
            self.refuse(why);
        }
    }

    /// Adds why the database is not kept.
    pub(crate) fn refuse(&self, why: impl fmt::Display) {
        self.tell(format!("nothing: {why}"));
    }

    /// Adds a line to what the report says about the database.
    pub(crate) fn tell(&self, line: String) {
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

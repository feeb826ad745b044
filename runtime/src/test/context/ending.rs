//! The end of a test, as its context knows it.

use std::time::Duration;

use super::TestContext;
use crate::{
    observe::{log, queries},
    test::{faults, outcome::Outcome, summary::Endings},
};

impl TestContext {
    /// The time spent waiting for databases, which does not count against the test's limit.
    pub(crate) fn time_preparing(&self) -> Duration {
        self.0.database.time_preparing() + self.0.further.time_preparing()
    }

    /// Runs the registered teardowns. Returns what went wrong with which.
    pub(crate) async fn tear_down(&self) -> Vec<String> {
        let problems = self.0.teardowns.run().await;
        if !problems.is_empty() {
            self.0.keeping.test_fails();
        }
        problems
    }

    /// Ends the test's use of its databases.
    pub(crate) async fn end(&self, outcome: &Outcome) -> Endings {
        if self.0.keeping.is_requested() && self.is_over_budget() {
            self.0.keeping.test_fails();
        }
        let verdict = outcome.verdict(self.0.test);
        let first = self.0.database.end(verdict, &self.0.keeping).await;
        log::trace(|| {
            let described = first.describe();
            let first_line = described.lines().next().unwrap_or_default();
            format!("{}: {first_line}", self.name())
        });
        let further = self.0.further.end(verdict).await;
        Endings { first, further }
    }

    fn is_over_budget(&self) -> bool {
        queries::exceeded(self.0.test.queries, &self.0.recording.log()).is_some()
    }

    /// How to open the kept databases of the test, if `DB_TEST_KEEP` asks for them; known when it
    /// has ended.
    pub(crate) fn kept(&self) -> Option<String> {
        let first = self.0.keeping.report();
        let kept: Vec<_> = first.into_iter().chain(self.0.further.kept()).collect();
        (!kept.is_empty()).then(|| kept.join("\n"))
    }

    /// The faults that did not happen as often as they were set to.
    pub(crate) fn unused_faults(&self) -> faults::UnusedFaults {
        self.0.faults.unused()
    }

    /// The report's remark about an application that does not use the test's database.
    pub(crate) fn bypass_remark(&self) -> Option<(&'static str, String)> {
        let has_schema = self.0.definition.has_schema();
        let log = self.0.recording.log();
        self.0.bypass.remark(self.name(), has_schema, &log)
    }
}

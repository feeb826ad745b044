//! The facts about a test that is over.

use std::{iter, sync::Arc};

use crate::{
    Error,
    database::Ending,
    observe::recording::Recording,
    overrides::UnusedOverrides,
    test::{description::Test, faults::UnusedFaults, outcome::Outcome},
};

/// How the test's use of its databases ended.
pub(crate) struct Endings {
    pub(crate) first: Ending,
    /// Those of the further databases that the test has used, by name.
    pub(crate) further: Vec<(&'static str, Ending)>,
}

impl Endings {
    /// The ending of a test that has used only its first database.
    fn of(first: Ending) -> Self {
        let further = Vec::new();
        Self { first, further }
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &Ending> {
        let further = self.further.iter().map(|(_, ending)| ending);
        iter::once(&self.first).chain(further)
    }

    /// The first ending that makes the test fail by itself.
    pub(crate) fn failure(&self) -> Option<&Ending> {
        self.each().find(|ending| ending.is_failure())
    }
}

/// A section of a report: its label and its text.
pub(crate) type Section = (&'static str, String);

/// All facts about a test that is over, for its report.
pub(crate) struct Summary {
    pub(crate) outcome: Outcome,
    /// The problems of teardowns.
    pub(crate) teardown: Vec<String>,
    pub(crate) endings: Endings,
    /// How to open the test's kept databases.
    pub(crate) kept: Option<String>,
    pub(crate) unused_overrides: UnusedOverrides,
    pub(crate) unused_faults: UnusedFaults,
    /// The queries that exceed a limit of the test's attribute.
    pub(crate) over_budget: Option<String>,
    /// A limit of the test's attribute that had nothing to count.
    pub(crate) uncounted: Option<&'static str>,
    /// Further sections of the report.
    pub(crate) remarks: Vec<Section>,
    /// The statements and requests of the test, if it ran.
    pub(crate) recording: Option<Arc<Recording>>,
}

impl Summary {
    /// Whether something other than the body made the test fail.
    pub(crate) fn is_spoiled(&self, test: &Test) -> bool {
        let over_budget = self.outcome.passes(test) && self.over_budget.is_some();
        self.endings.failure().is_some() || !self.teardown.is_empty() || over_budget
    }

    /// The summary of a test that could not be opened.
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
            uncounted: None,
            remarks: Vec::new(),
            recording: None,
        }
    }
}

//! Faults that did not happen as often as the test set them to, and the messages about them.

use super::rule::{Effect, Rule, Trigger};
use crate::observe::log;

/// The faults that did not happen as often as they were set to: for each the problem, and what to
/// do.
#[derive(Default, Debug)]
pub(crate) struct UnusedFaults(Vec<(String, &'static str)>);

impl UnusedFaults {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let missed = rules.iter().filter(|rule| rule.hits < rule.times);
        Self(missed.map(finding).collect())
    }

    /// Prints a warning for each, about a test that passes.
    pub(crate) fn warn(&self, test: &str) {
        for (problem, help) in &self.0 {
            log::notice(format_args!("{test}: {problem}; {help}"));
        }
    }

    /// A section of the report of a test that fails.
    pub(crate) fn describe(&self) -> Option<String> {
        let findings = self.0.iter();
        let described: Vec<_> = findings
            .map(|(problem, help)| format!("{problem};\n{help}"))
            .collect();
        (!described.is_empty()).then(|| described.join("\n"))
    }
}

fn finding(rule: &Rule) -> (String, &'static str) {
    let Rule {
        trigger,
        times,
        hits,
        place,
        ..
    } = rule;
    if rule.effect == Effect::default() {
        return (
            format!("{trigger} (set at {place}) does nothing"),
            "call .fail_with(…), .delay(…) or .disconnect() on it",
        );
    }
    let problem = match (hits, trigger) {
        (0, Trigger::Statement(_)) => {
            format!("{trigger} was set at {place}, but no statement matched it")
        }
        (0, Trigger::Commit) => {
            format!("{trigger} was set at {place}, but no transaction was committed after that")
        }
        (hits, _) => {
            format!("{trigger} was set at {place} to happen {times} times, but happened {hits}")
        }
    };
    let help = match rule.trigger {
        Trigger::Statement(_) => {
            "compare the pattern with the statements that DB_TEST_REPORT=always lists, or remove the fault"
        }
        Trigger::Commit => "set it before the transaction is committed, or remove the fault",
    };
    (problem, help)
}

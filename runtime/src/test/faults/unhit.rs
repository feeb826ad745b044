//! Faults that a test set in vain, in words.

use super::rule::{Effect, Rule};
use crate::observe::log;

/// What was set and did not happen as often as it was to.
#[derive(Default, Debug)]
pub(crate) struct Unhit(Vec<(String, &'static str)>);

impl Unhit {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let missed = rules.iter().filter(|rule| rule.hits < rule.times);
        Self(missed.map(finding).collect())
    }

    /// Tells the user of a test that passes, one line for each.
    pub(crate) fn announce(&self, test: &str) {
        for (problem, help) in &self.0 {
            log::notice(format_args!("{test}: {problem}; {help}"));
        }
    }

    /// A section of the report of a test that fails.
    pub(crate) fn describe(&self) -> Option<String> {
        let told = self
            .0
            .iter()
            .map(|(problem, help)| format!("{problem};\n{help}"));
        let told: Vec<_> = told.collect();
        (!told.is_empty()).then(|| told.join("\n"))
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
            "say what it does, by .fail_with(…), .delay(…) or .disconnect()",
        );
    }
    let problem = match hits {
        0 => format!("{trigger} was set at {place}, but hit nothing"),
        hits => format!("{trigger} was set at {place} to hit {times} times, but hit {hits}"),
    };
    let help = match rule.trigger {
        super::Trigger::Statement(_) => {
            "compare the pattern with the statements that DB_TEST_REPORT=always lists, or leave it out"
        }
        super::Trigger::Commit => "set it before the transaction is committed, or leave it out",
    };
    (problem, help)
}

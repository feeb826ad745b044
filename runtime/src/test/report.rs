//! What a failing test prints after its own message.

mod run_again;

use std::{collections::BTreeSet, fmt::Write};

use crate::{
    error::Error,
    observe::{
        log,
        printable::printable,
        report::{self, Wanted, chain},
    },
    postgres::sandbox::Ending,
    test::{
        description::Test,
        outcome::{ArgumentError, Ended, Endings, Outcome},
    },
};

/// The payload of the panic that tells libtest of a failure which has been reported in full.
pub(crate) const SEE_REPORT: &str = "the test failed, see the report of db-test above";

/// The report of one test.
pub(crate) struct Report {
    title: String,
    sections: Vec<(&'static str, String)>,
}

impl Report {
    pub(crate) fn new(test: &Test, ended: &Ended) -> Self {
        let Ended {
            outcome,
            teardown,
            endings,
            kept,
            unused_overrides,
            unused_faults,
            over_budget,
            remarks,
            recording,
        } = ended;
        let mut sections = Vec::new();
        if let Some(cause) = cause_of(test, outcome) {
            sections.push(("cause", cause));
        }
        if let Some(over_budget) = over_budget {
            sections.push(("queries", over_budget.clone()));
        }
        if !teardown.is_empty() {
            sections.push(("teardown", teardown.join("\n")));
        }
        for ending in endings.each() {
            if let Ending::NotOpened(error) = ending
                && !matches!(outcome, Outcome::NoArgument(_))
            {
                sections.push(("cause", error.for_report_of(test.name)));
            }
        }
        let described = described(endings);
        if !described.is_empty() {
            sections.push(("sandbox", described));
        }
        if let Some(kept) = kept {
            sections.push(("kept", kept.clone()));
        }
        if !matches!(outcome, Outcome::NoArgument(_))
            && let Some(unused_overrides) = unused_overrides.describe()
        {
            sections.push(("override", unused_overrides));
        }
        if !matches!(outcome, Outcome::NoArgument(_))
            && let Some(unused_faults) = unused_faults.describe()
        {
            sections.push(("fault", unused_faults));
        }
        sections.extend(remarks.iter().cloned());
        let wanted = Wanted::by_environment();
        let log = recording.as_ref().map(|recording| recording.log());
        if let Some(findings) = log.as_ref().and_then(|log| report::isolation_findings(log)) {
            sections.push(("isolation", findings));
        }
        if let Some(clock) = log.as_ref().and_then(|log| report::clock_finding(log)) {
            sections.push(("clock", clock));
        }
        let trace = log.and_then(|log| report::trace(&log, wanted.detail()?, report::width()));
        if let Some(trace) = trace {
            sections.push(("trace", trace));
        }
        sections.push(("run again", run_again::command(test)));
        let how = headline(ended);
        Self {
            title: format!("{} {how}", test.name),
            sections,
        }
    }

    /// Prints the whole report to the captured standard error of the test.
    pub(crate) fn print(&self) {
        eprintln!("{self}");
    }
}

/// Prints what is worth knowing about a test that passed, and its whole trace if that is wanted.
pub(crate) fn of_success(test: &Test, ended: &Ended) {
    if Wanted::by_environment() == Wanted::OfAll {
        log::notice(Report::new(test, ended));
    }
    if let Some(recording) = &ended.recording {
        report::warn_of_isolation(test.name, &recording.log());
    }
    for note in ended.endings.each().flat_map(Ending::notes) {
        eprintln!("db-test: note: {note}");
    }
    let left = ended.endings.each().flat_map(Ending::left_behind);
    for what in left.collect::<BTreeSet<_>>() {
        log::notice(format_args!("{}: {what}", test.name));
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "\n── db-test: {} ──", self.title)?;
        for (label, text) in &self.sections {
            let text = printable(text);
            let mut lines = text.lines();
            writeln!(f, "{label:>9}  {}", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(f, "{:>9}  {line}", "")?;
            }
        }
        Ok(())
    }
}

/// How the test's use of each of its databases ended.
fn described(endings: &Endings) -> String {
    let mut text = match &endings.first {
        Ending::NotOpened(_) => String::new(),
        first => first.describe(),
    };
    for (name, ending) in &endings.further {
        if !matches!(ending, Ending::NotOpened(_)) {
            let line_break = if text.is_empty() { "" } else { "\n" };
            write!(text, "{line_break}{name}: {}", ending.describe()).ok();
        }
    }
    text
}

fn headline(ended: &Ended) -> String {
    let failure = ended
        .endings
        .failure()
        .map(|ending| ending.headline().to_owned());
    match &ended.outcome {
        Outcome::Passed | Outcome::NotRun if failure.is_some() => failure.unwrap_or_default(),
        Outcome::Passed if !ended.teardown.is_empty() => {
            "passed, but its teardown failed".to_owned()
        }
        Outcome::Passed if ended.over_budget.is_some() => "sent too many queries".to_owned(),
        Outcome::Passed => "passed".to_owned(),
        Outcome::NotRun => "did not run".to_owned(),
        Outcome::Failed(_) => "returned an error".to_owned(),
        Outcome::Panicked(_) => "panicked".to_owned(),
        Outcome::TimedOut(limit) => format!("took longer than its limit of {limit:?}"),
        Outcome::Blocked { took } => {
            format!("took {:.1} s, longer than its limit", took.as_secs_f64())
        }
        Outcome::NoArgument(error) => error.headline().to_owned(),
    }
}

fn cause_of(test: &Test, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::NoArgument(ArgumentError { type_name, cause }) => {
            Some(match cause.downcast_ref::<Error>() {
                Some(error) => error.for_report_of(test.name),
                None => format!("`{type_name}` could not be made: {}", chain(cause.as_ref())),
            })
        }
        Outcome::TimedOut(_) => Some(
            "the body was cancelled at its limit; raise it with `#[db_test(timeout = \"2m\")]`"
                .to_owned(),
        ),
        Outcome::Blocked { .. } => Some(
            "the body blocked its thread (std::thread::sleep, a lock, a long computation), so it could not\n\
             be stopped; use tokio::time::sleep or tokio::task::spawn_blocking"
                .to_owned(),
        ),
        _ => None,
    }
}

//! The report of a failing test, printed after its own message.

mod run_again;

use std::{collections::BTreeSet, iter};

use crate::{
    database::Ending,
    error::Error,
    observe::{
        log,
        printable::printable,
        recording::Log,
        report::{self, Wanted, chain},
    },
    test::{
        description::Test,
        outcome::{ArgumentError, Outcome},
        summary::{Endings, Section, Summary},
    },
};

/// The payload of the panic with which a test fails whose report has been printed.
pub(crate) const SEE_REPORT: &str = "the test failed, see the report of db-test above";

/// The report of one test.
pub(crate) struct Report {
    title: String,
    sections: Vec<Section>,
}

impl Report {
    pub(crate) fn new(test: &Test, summary: &Summary) -> Self {
        let mut report = Self {
            title: format!("{} {}", test.name, headline(summary)),
            sections: Vec::new(),
        };
        report.add_problems(test, summary);
        report.add_databases(test, summary);
        if !matches!(summary.outcome, Outcome::NoArgument(_)) {
            report.add("override", summary.unused_overrides.describe());
            report.add("fault", summary.unused_faults.describe());
        }
        report.sections.extend(summary.remarks.iter().cloned());
        if let Some(recording) = &summary.recording {
            report.add_recorded(&recording.log());
        }
        report.add("run again", Some(run_again::command(test)));
        report
    }

    fn add(&mut self, label: &'static str, text: Option<String>) {
        self.sections.extend(text.map(|text| (label, text)));
    }

    fn add_problems(&mut self, test: &Test, summary: &Summary) {
        self.add("cause", cause_of(test, &summary.outcome));
        self.add("queries", summary.over_budget.clone().map(shown));
        let teardown = &summary.teardown;
        self.add(
            "teardown",
            (!teardown.is_empty()).then(|| teardown.join("\n")),
        );
    }

    /// Adds how the test's use of its databases ended.
    fn add_databases(&mut self, test: &Test, summary: &Summary) {
        for ending in summary.endings.each() {
            if let Ending::NotOpened(error) = ending
                && !matches!(summary.outcome, Outcome::NoArgument(_))
            {
                self.add("cause", Some(error.for_report_of(test.name)));
            }
        }
        self.add("sandbox", described(&summary.endings));
        self.add("kept", summary.kept.clone());
    }

    /// Adds what was recorded: findings about its connections and clock, requests and statements.
    fn add_recorded(&mut self, log: &Log) {
        let wanted = Wanted::by_environment();
        self.add("isolation", report::isolation_findings(log, wanted));
        self.add("clock", report::clock_finding(log, wanted));
        let detail = wanted.detail();
        let trace = detail.and_then(|detail| report::trace(log, detail, report::width()));
        self.add("trace", trace);
    }

    /// Prints the whole report to the captured standard error of the test.
    pub(crate) fn print(&self) {
        eprintln!("{self}");
    }
}

/// Prints the report of a test that passed, if `DB_TEST_REPORT` is `always`.
pub(crate) fn of_success(test: &Test, summary: &Summary) {
    if Wanted::by_environment() == Wanted::OfAll {
        log::notice(Report::new(test, summary));
    }
}

/// Prints what makes a success doubtful: what the test did not use, count or verify.
pub(crate) fn warn(test: &Test, summary: &Summary) {
    summary.unused_overrides.warn(test.name);
    summary.unused_faults.warn(test.name);
    if let Some(problem) = summary.uncounted {
        log::notice(format_args!("{}: {problem}", test.name));
    }
    if let Some(recording) = &summary.recording {
        report::warn_of_isolation(test.name, &recording.log());
    }
    for note in summary.endings.each().flat_map(Ending::notes) {
        eprintln!("db-test: note: {note}");
    }
    for doubt in summary.endings.each().filter_map(Ending::doubt) {
        log::notice(format_args!("{}: {doubt}", test.name));
    }
    let left = summary.endings.each().flat_map(Ending::left_behind);
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

/// A message whose further lines are statements, which `DB_TEST_REPORT=off` leaves out.
fn shown(message: String) -> String {
    match message.split_once('\n') {
        Some((first, _)) if Wanted::by_environment() == Wanted::Nothing => first.to_owned(),
        _ => message,
    }
}

/// How the test's use of each of its databases ended.
fn described(endings: &Endings) -> Option<String> {
    let first = (None, &endings.first);
    let further = endings.further.iter();
    let all = iter::once(first).chain(further.map(|(name, ending)| (Some(name), ending)));
    let opened = all.filter(|(_, ending)| !matches!(ending, Ending::NotOpened(_)));
    let lines: Vec<_> = opened
        .map(|(name, ending)| match name {
            None => ending.describe(),
            Some(name) => format!("{name}: {}", ending.describe()),
        })
        .filter(|line| !line.is_empty())
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn headline(summary: &Summary) -> String {
    let failure = summary
        .endings
        .failure()
        .map(|ending| ending.headline().to_owned());
    match &summary.outcome {
        Outcome::Passed | Outcome::NotRun if failure.is_some() => failure.unwrap_or_default(),
        Outcome::Passed if !summary.teardown.is_empty() => {
            "passed, but its teardown failed".to_owned()
        }
        Outcome::Passed if summary.over_budget.is_some() => "sent too many queries".to_owned(),
        Outcome::Passed => "passed".to_owned(),
        Outcome::NotRun => "did not run".to_owned(),
        Outcome::Failed(_) => "returned an error".to_owned(),
        Outcome::Panicked(_) | Outcome::Misused(_) => "panicked".to_owned(),
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
        Outcome::Misused(_) if test.should_panic => Some(
            "the panic is about how the test uses db-test, so it is not the one that `#[should_panic]` expects"
                .to_owned(),
        ),
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

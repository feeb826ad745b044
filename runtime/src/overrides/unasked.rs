//! What a test set and nothing asked for, in words.

use std::{any::TypeId, fmt};

use super::{
    entry::{Layer, Record},
    ledger::{Asked, Asker, Line, Pages},
};
use crate::observe::log;

const IS_AN_EXTENSION: &str =
    "was set, which is not what is read: a handler's `Extension<T>` reads a `T`";
const INSTEAD_OF_AN_EXTENSION: &str = "set what is in it, without `Extension(…)`";

/// The overrides of a test that nothing asked for.
#[derive(Debug, Default)]
pub(crate) struct Unasked(Vec<Finding>);

/// One override that nothing asked for.
#[derive(Debug, PartialEq)]
struct Finding {
    type_name: &'static str,
    problem: String,
    cure: String,
}

impl Unasked {
    /// Judges the account of a test that sent so many requests, if it built its application.
    pub(super) fn of(pages: &Pages, requests: Option<usize>) -> Self {
        let mut found = Vec::new();
        for (index, line) in pages.lines.iter().enumerate() {
            if line.record.optional
                || line.record.is_used()
                || (line.record.is_offered() && is_read_by_the_framework(&line.record))
            {
                continue;
            }
            let finding = match line.record.layer {
                Layer::Session => None,
                Layer::Attribute | Layer::Test => of_the_test(index, pages, requests),
                Layer::Request => Some(of_one_request(line, &pages.asked)),
            };
            found.extend(finding.filter(|finding| !found.contains(finding)));
        }
        Self(found)
    }

    /// Tells the user of a test that passes, one line for each.
    pub(crate) fn announce(&self, test: &str) {
        for finding in &self.0 {
            log::notice(format_args!("{test}: {finding}; {}", finding.cure));
        }
    }

    /// A section of the report of a test that fails.
    pub(crate) fn describe(&self) -> Option<String> {
        let told = self
            .0
            .iter()
            .map(|found| format!("{found};\n{}", found.cure));
        let told: Vec<_> = told.collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.type_name, self.problem)
    }
}

/// Only the last one of each type: that a test replaces what its attribute set is no mistake.
fn of_the_test(index: usize, pages: &Pages, requests: Option<usize>) -> Option<Finding> {
    let record = &pages.lines[index].record;
    let mut earlier = by_the_test(&pages.lines[..index], record.type_id);
    let mut later = by_the_test(&pages.lines[index + 1..], record.type_id);
    if later.next().is_some() {
        return None;
    }
    if earlier.any(Record::is_used) {
        // A value that is put back after the last request is no mistake either.
        return record.is_offered().then(|| {
            let problem = "was set again, and no request after that asked for it";
            finding(
                record,
                problem,
                "send one that depends on it, or leave it out",
            )
        });
    }
    let is_asked_for = pages
        .asked
        .iter()
        .any(|asked| asked.type_id == record.type_id);
    let (problem, cure) = match (pages.lines[index].asked_before, requests) {
        (Some(Asker::State), None) => (
            "was set after cx.overridden had been asked for it",
            "set it before, by #[db_test(overrides = …)] or in an argument in front of the one that asks",
        ),
        (Some(Asker::State), Some(_)) => (
            "was set after the application's state had been made without it",
            "set it before, by #[db_test(overrides = …)] or in an argument in front of the Client or Router",
        ),
        (Some(Asker::Extractor), _) => (
            "was set after the last request that asked for it",
            "set it before that request",
        ),
        (None, _) if is_asked_for => (
            "was set, but replaced or removed for everything that asked for it",
            "leave it out",
        ),
        (None, None) => (
            "was set, but the test does not use the application",
            "take a Client or a Router, or leave it out",
        ),
        (None, Some(0)) => (
            "was set, but the application's state did not ask for it and the test sent no request",
            "send one that depends on it, or leave it out",
        ),
        (None, Some(requests)) => return Some(of_no_use(record, &pages.asked, requests)),
    };
    Some(finding(record, problem, cure))
}

fn of_no_use(record: &Record, asked: &[Asked], requests: usize) -> Finding {
    if is_an_extension(record) {
        return finding(record, IS_AN_EXTENSION, INSTEAD_OF_AN_EXTENSION);
    }
    let requests = match requests {
        1 => "the only request".to_owned(),
        _ => format!("any of {requests} requests"),
    };
    if record.of_extractor {
        let problem = format!("was set, but no handler extracted it in {requests}");
        let now = list(extractors(asked));
        return finding(
            record,
            problem,
            format!("set what they extract by now{now}, or leave it out"),
        );
    }
    let problem = format!(
        "was set, and neither cx.overridden_or nor an #[overridable] extractor asked for it in {requests}"
    );
    finding(record, problem, of_an_extension(asked.iter()))
}

/// Whether a plain `Extension` reads a value cannot be seen, so the cure is for both cases.
fn of_an_extension<'a>(asked: impl Iterator<Item = &'a Asked>) -> String {
    format!(
        "if a plain Extension reads it, call overrides.extension(…); else set what the application uses by now{}",
        list(asked)
    )
}

/// A type of axum's or of its neighbors, such as `ConnectInfo`, whose own extractor reads the extension that
/// `set` puts into each request.
fn is_read_by_the_framework(record: &Record) -> bool {
    let root = record.type_name.split("::").next().unwrap_or_default();
    let family = ["axum", "http", "hyper", "tower"];
    let is_of = |name: &str| {
        root == name
            || root
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('_'))
    };
    family.into_iter().any(is_of) && !is_an_extension(record)
}

fn is_an_extension(record: &Record) -> bool {
    record.type_name.starts_with("axum::extension::Extension<")
}

fn of_one_request(line: &Line, asked: &[Asked]) -> Finding {
    let record = &line.record;
    if !record.is_offered() {
        return finding(
            record,
            "was set for a request that did not come to the session's application",
            "send it with the test's Client or Router, from the test's own task, and await it",
        );
    }
    if line.asked_before == Some(Asker::State) {
        return finding(
            record,
            "was set for one request, but it is part of the application's state, which was made before",
            "set it by #[db_test(overrides = …)], or make it an #[overridable] extractor",
        );
    }
    if is_an_extension(record) {
        return finding(record, IS_AN_EXTENSION, INSTEAD_OF_AN_EXTENSION);
    }
    if !record.of_extractor && !asked.iter().any(|asked| asked.type_id == record.type_id) {
        let problem = "was set for one request, in which no #[overridable] extractor asked for it";
        return finding(record, problem, of_an_extension(extractors(asked)));
    }
    finding(
        record,
        "was set for one request, which did not ask for it",
        format!(
            "set what its handler extracts{}, or leave it out",
            list(extractors(asked))
        ),
    )
}

fn finding(record: &Record, problem: impl Into<String>, cure: impl Into<String>) -> Finding {
    Finding {
        type_name: record.type_name,
        problem: problem.into(),
        cure: cure.into(),
    }
}

/// What was asked for: a renamed type is probably among it.
fn list<'a>(asked: impl Iterator<Item = &'a Asked>) -> String {
    let mut names = Vec::new();
    for asked in asked {
        let name = format!("`{}`", asked.type_name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    }
}

fn extractors(asked: &[Asked]) -> impl Iterator<Item = &Asked> {
    asked.iter().filter(|asked| asked.by == Asker::Extractor)
}

fn by_the_test(lines: &[Line], type_id: TypeId) -> impl Iterator<Item = &Record> {
    let records = lines.iter().map(|line| &*line.record);
    records.filter(move |record| {
        record.type_id == type_id && matches!(record.layer, Layer::Attribute | Layer::Test)
    })
}

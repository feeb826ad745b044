//! The overrides of a test that nothing read, and the messages about them.

use std::{any::TypeId, fmt};

use super::{
    entry::{Layer, Record},
    usage::{LoggedOverride, Lookup, Reader, Usage},
};
use crate::observe::log;

const IS_AN_EXTENSION: &str = "was set, but a handler's `Extension<T>` reads the `T` in it";
const INSTEAD_OF_AN_EXTENSION: &str = "set the value itself, without `Extension(…)`";

/// The overrides of a test that nothing read.
#[derive(Debug, Default)]
pub(crate) struct UnusedOverrides(Vec<Finding>);

/// One override that nothing read: the problem, and what to do.
#[derive(Debug, PartialEq)]
struct Finding {
    type_name: &'static str,
    problem: String,
    help: String,
}

impl UnusedOverrides {
    /// Finds them in the usage log of a test.
    pub(super) fn of(usage: &Usage) -> Self {
        let mut found = Vec::new();
        for (index, logged) in usage.overrides.iter().enumerate() {
            let record = &*logged.record;
            let may_be_read = record.is_in_a_request() && is_read_by_the_framework(record);
            if record.is_optional || record.is_read() || may_be_read {
                continue;
            }
            let finding = match record.layer {
                Layer::Session => None,
                Layer::Attribute | Layer::Test => of_the_test(index, usage),
                Layer::Request => Some(of_one_request(logged, &usage.lookups)),
            };
            found.extend(finding.filter(|finding| !found.contains(finding)));
        }
        Self(found)
    }

    /// Prints a warning for each, about a test that passes.
    pub(crate) fn warn(&self, test: &str) {
        for finding in &self.0 {
            log::notice(format_args!("{test}: {finding}; {}", finding.help));
        }
    }

    /// A section of the report of a test that fails.
    pub(crate) fn describe(&self) -> Option<String> {
        let findings = self.0.iter();
        let described: Vec<_> = findings
            .map(|finding| format!("{finding};\n{}", finding.help))
            .collect();
        (!described.is_empty()).then(|| described.join("\n"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.type_name, self.problem)
    }
}

/// Judges only the last override of each type: a test may replace what its attribute set.
fn of_the_test(index: usize, usage: &Usage) -> Option<Finding> {
    let logged = &usage.overrides[index];
    let record = &logged.record;
    let mut earlier = by_the_test(&usage.overrides[..index], record.type_id);
    let mut later = by_the_test(&usage.overrides[index + 1..], record.type_id);
    if later.next().is_some() {
        return None;
    }
    if earlier.any(Record::is_read) {
        // A test may put the first value back after its last request.
        return record.is_in_a_request().then(|| {
            let problem = "was set again, but no later request read it";
            let help = "send a request that depends on it, or leave it out";
            finding(record, problem, help)
        });
    }
    let mut lookups = usage.lookups.iter();
    let is_looked_up = lookups.any(|lookup| lookup.type_id == record.type_id);
    let (problem, help) = match (logged.looked_up_before, usage.requests) {
        (Some(Reader::State), None) => (
            "was set after cx.overridden had looked for it",
            "set it earlier: by #[db_test(overrides = …)], or in an argument before the one that reads it",
        ),
        (Some(Reader::State), Some(_)) => (
            "was set after the application's state had been built without it",
            "set it earlier: by #[db_test(overrides = …)], or in an argument before the Client or Router",
        ),
        (Some(Reader::Extractor), _) => (
            "was set after the last request that looked for it",
            "set it before that request",
        ),
        (None, _) if is_looked_up => (
            "was set, but replaced or removed before anything read it",
            "leave it out",
        ),
        (None, None) => (
            "was set, but the test does not use the application",
            "take a Client or a Router, or leave it out",
        ),
        (None, Some(0)) => (
            "was set, but the application's state does not read it and the test sent no request",
            "send a request that depends on it, or leave it out",
        ),
        (None, Some(requests)) => return Some(never_read(record, &usage.lookups, requests)),
    };
    Some(finding(record, problem, help))
}

fn never_read(record: &Record, lookups: &[Lookup], requests: usize) -> Finding {
    if is_an_extension(record) {
        return finding(record, IS_AN_EXTENSION, INSTEAD_OF_AN_EXTENSION);
    }
    let requests = match requests {
        1 => "the only request".to_owned(),
        _ => format!("any of {requests} requests"),
    };
    if record.is_of_extractor {
        let problem = format!("was set, but no handler extracted it in {requests}");
        let now = list(extractors(lookups));
        let help = format!("set what the handlers extract now{now}, or leave it out");
        return finding(record, problem, help);
    }
    let problem = format!(
        "was set, but neither cx.overridden_or nor an #[overridable] extractor read it in {requests}"
    );
    finding(record, problem, maybe_an_extension(lookups.iter()))
}

/// The help for a value that a plain `Extension` may read, which we cannot see.
fn maybe_an_extension<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> String {
    format!(
        "if a plain Extension reads it, call overrides.extension(…); otherwise set what the application reads now{}",
        list(lookups)
    )
}

/// Whether axum or a related crate has an extractor for this type, such as `ConnectInfo`, which
/// reads the extension that `set` puts into each request.
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

fn of_one_request(logged: &LoggedOverride, lookups: &[Lookup]) -> Finding {
    let record = &logged.record;
    if !record.is_in_a_request() {
        return finding(
            record,
            "was set for a request that did not reach the session's application",
            "send it with the test's Client or Router, from the test's own task, and await it",
        );
    }
    if logged.looked_up_before == Some(Reader::State) {
        return finding(
            record,
            "was set for one request, but it is part of the application's state, which is built before any request",
            "set it by #[db_test(overrides = …)], or make it an #[overridable] extractor",
        );
    }
    if is_an_extension(record) {
        return finding(record, IS_AN_EXTENSION, INSTEAD_OF_AN_EXTENSION);
    }
    let mut known = lookups.iter();
    if !record.is_of_extractor && !known.any(|lookup| lookup.type_id == record.type_id) {
        let problem = "was set for one request, in which no #[overridable] extractor read it";
        return finding(record, problem, maybe_an_extension(extractors(lookups)));
    }
    let now = list(extractors(lookups));
    finding(
        record,
        "was set for one request, which did not read it",
        format!("set what its handler extracts{now}, or leave it out"),
    )
}

fn finding(record: &Record, problem: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding {
        type_name: record.type_name,
        problem: problem.into(),
        help: help.into(),
    }
}

/// The types that were looked up, in parentheses: the new name of a renamed type is probably among
/// them.
fn list<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> String {
    let mut names = Vec::new();
    for lookup in lookups {
        let name = format!("`{}`", lookup.type_name);
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

fn extractors(lookups: &[Lookup]) -> impl Iterator<Item = &Lookup> {
    lookups
        .iter()
        .filter(|lookup| lookup.by == Reader::Extractor)
}

fn by_the_test(overrides: &[LoggedOverride], type_id: TypeId) -> impl Iterator<Item = &Record> {
    let records = overrides.iter().map(|logged| &*logged.record);
    records.filter(move |record| {
        record.type_id == type_id && matches!(record.layer, Layer::Attribute | Layer::Test)
    })
}

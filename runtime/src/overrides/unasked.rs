//! What a test set and nothing asked for, in words.

use super::{
    entry::{Layer, Record},
    ledger::{Asked, Asker, Line, Pages},
};
use crate::announce::announce;

/// The overrides of a test that nothing asked for, one sentence each.
#[derive(Debug, Default)]
pub(crate) struct Unasked(Vec<String>);

impl Unasked {
    /// Judges the account of a test that sent so many requests, if it built its application.
    pub(super) fn of(pages: &Pages, requests: Option<usize>) -> Self {
        let mut sentences = Vec::new();
        for (index, line) in pages.lines.iter().enumerate() {
            let because = match line.record.layer {
                _ if line.record.optional || line.record.is_used() => continue,
                Layer::Session => continue,
                Layer::Attribute | Layer::Test => of_the_test(index, pages, requests),
                Layer::Request => Some(of_one_request(line, &pages.asked)),
            };
            let sentence = because.map(|because| format!("`{}` {because}", line.record.type_name));
            sentences.extend(sentence.filter(|sentence| !sentences.contains(sentence)));
        }
        Self(sentences)
    }

    /// Tells the user of a test that passes, one line for each.
    pub(crate) fn announce(&self, test: &str) {
        for sentence in &self.0 {
            announce(format_args!("{test}: {sentence}"));
        }
    }

    /// A section of the report of a test that fails.
    pub(crate) fn describe(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("\n"))
    }
}

/// Only the last one of each type: that a test replaces what its attribute set is no mistake.
fn of_the_test(index: usize, pages: &Pages, requests: Option<usize>) -> Option<String> {
    let line = &pages.lines[index];
    let is_alike = |other: &&Line| is_of_the_same_test(&other.record, &line.record);
    if pages.lines[index + 1..]
        .iter()
        .any(|other| is_alike(&other))
    {
        return None;
    }
    if pages
        .lines
        .iter()
        .filter(is_alike)
        .any(|other| other.record.is_used())
    {
        // A value that is put back after the last request is no mistake either.
        let again = "was set again, and no request after that asked for it; send one that \
                     depends on it, or leave it out";
        return line.record.is_offered().then(|| again.to_owned());
    }
    let is_asked_for = |asked: &Asked| asked.type_id == line.record.type_id;
    let because = match (line.asked_before, requests) {
        (Some(Asker::State), _) => {
            "was set after the application's state had been made without it; set it before, by \
             #[db_test(overrides = …)] or in an argument in front of the Client or Router"
        }
        (Some(Asker::Extractor), _) => {
            "was set after the last request that asked for it; set it before that request"
        }
        (None, _) if pages.asked.iter().any(is_asked_for) => {
            "was set, but replaced or removed for everything that asked for it; leave it out"
        }
        (None, None) => {
            "was set, but the test does not use the application; take a Client or a Router, or \
             leave it out"
        }
        (None, Some(0)) => {
            "was set, but the application's state did not ask for it and the test sent no \
             request; send one that depends on it, or leave it out"
        }
        (None, Some(requests)) => return Some(unknown(&line.record, &pages.asked, requests)),
    };
    Some(because.to_owned())
}

fn unknown(record: &Record, asked: &[Asked], requests: usize) -> String {
    let requests = match requests {
        1 => "the only request".to_owned(),
        _ => format!("any of {requests} requests"),
    };
    if record.of_extractor {
        let others = list(extractors(asked));
        return format!(
            "was set, but no handler of {requests} extracted it; set what they extract by \
             now{others}, or leave it out"
        );
    }
    let others = list(asked.iter());
    format!(
        "was set, but nothing can be replaced by it: neither cx.overridden_or nor an \
         #[overridable] extractor asked for it in {requests}; set what the application uses by \
         now{others}, or call overrides.extension(…) for what a plain Extension reads"
    )
}

fn of_one_request(line: &Line, asked: &[Asked]) -> String {
    if !line.record.is_offered() {
        return "was set for a request that did not come to the session's application; send it \
                with the test's Client or Router, from the test's own task, and await it"
            .to_owned();
    }
    if line.asked_before == Some(Asker::State) {
        return "was set for one request, but it is part of the application's state, which was \
                made before; set it by #[db_test(overrides = …)], or make it an #[overridable] \
                extractor"
            .to_owned();
    }
    format!(
        "was set for one request, which did not ask for it; set what its handler extracts{}, or \
         leave it out",
        list(extractors(asked))
    )
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

fn is_of_the_same_test(other: &Record, record: &Record) -> bool {
    let by_the_test = matches!(other.layer, Layer::Attribute | Layer::Test);
    by_the_test && other.type_id == record.type_id
}

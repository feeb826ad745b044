//! Which statement a message executes, as far as its text says.

use std::{collections::HashMap, sync::Arc};

use crate::postgres::relay::framing::Body;

/// The texts of a connection's prepared statements and portals, by their names.
#[derive(Default)]
pub(super) struct Texts {
    statements: HashMap<String, Arc<str>>,
    portals: HashMap<String, Arc<str>>,
}

impl Texts {
    /// The statement that a message executes.
    pub(super) fn executed(&self, kind: u8, body: &[u8]) -> Option<Arc<str>> {
        match kind {
            b'Q' => Body(body).text_or_beginning().map(Arc::from),
            b'E' => self.portals.get(Body(body).text()?).cloned(),
            _ => None,
        }
    }

    /// Notes the names that a message gives, or takes back.
    pub(super) fn note(&mut self, kind: u8, body: &[u8]) {
        let (first, mut body) = (body.first().copied(), Body(body));
        match kind {
            b'P' => {
                if let (Some(name), Some(sql)) = (body.text(), body.text_or_beginning()) {
                    self.statements.insert(name.to_owned(), sql.into());
                }
            }
            b'B' => {
                if let (Some(portal), Some(name)) = (body.text(), body.text())
                    && let Some(sql) = self.statements.get(name)
                {
                    self.portals.insert(portal.to_owned(), Arc::clone(sql));
                }
            }
            b'C' if first == Some(b'S') => {
                body.bytes(1);
                let name = body.text().unwrap_or_default();
                self.statements.remove(name);
            }
            _ => {}
        }
    }
}

/// Statements that no fault on a statement meets, as in a test's transaction.
const CONTROL: [&str; 6] = [
    "begin",
    "start",
    "rollback",
    "abort",
    "savepoint",
    "release",
];

/// Whether a statement begins or ends a transaction or a part of one, but for commits.
pub(super) fn is_control(sql: &str) -> bool {
    let first = first_word(sql);
    CONTROL.iter().any(|word| first.eq_ignore_ascii_case(word))
}

pub(super) fn is_commit(sql: &str) -> bool {
    let first = first_word(sql);
    let commits = ["commit", "end"]
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word));
    commits && !says(sql, "prepared")
}

/// The state of the transaction after a statement that begins or ends one.
pub(super) fn status_after(sql: &str) -> Option<u8> {
    let first = first_word(sql);
    let is = |words: &[&str]| words.iter().any(|word| first.eq_ignore_ascii_case(word));
    if is(&["begin", "start"]) {
        return Some(b'T');
    }
    let ends = is(&["commit", "end", "abort"]) || is(&["rollback"]) && !says(sql, "to");
    let chains = || says(sql, "chain") && !says(sql, "no");
    (ends && !says(sql, "prepared")).then(|| if chains() { b'T' } else { b'I' })
}

fn says(sql: &str, word: &str) -> bool {
    words(sql).any(|said| said.eq_ignore_ascii_case(word))
}

fn first_word(sql: &str) -> &str {
    words(sql.trim_start()).next().unwrap_or_default()
}

fn words(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(|character: char| !character.is_ascii_alphabetic())
}

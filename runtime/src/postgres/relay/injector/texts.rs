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
        let text = Body(body).text()?;
        match kind {
            b'Q' => Some(text.into()),
            b'E' => self.portals.get(text).cloned(),
            _ => None,
        }
    }

    /// Notes the names that a message gives, or takes back.
    pub(super) fn note(&mut self, kind: u8, body: &[u8]) {
        let (first, mut body) = (body.first().copied(), Body(body));
        match kind {
            b'P' => {
                if let (Some(name), Some(sql)) = (body.text(), body.text()) {
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
    CONTROL.contains(&first_word(sql).as_str())
}

fn first_word(sql: &str) -> String {
    let is_end = |character: char| !character.is_ascii_alphabetic();
    let word = sql.trim_start().split(is_end).next();
    word.unwrap_or_default().to_ascii_lowercase()
}

pub(super) fn is_commit(sql: &str) -> bool {
    let is_prepared = || sql.to_ascii_lowercase().contains("prepared");
    matches!(first_word(sql).as_str(), "commit" | "end") && !is_prepared()
}

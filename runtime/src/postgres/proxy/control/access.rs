//! Which tables a statement reads and writes, as far as its words say.

use super::words::Words;
use crate::sql::TokenKind;

/// What a statement does to the table that it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Verb {
    #[default]
    Read,
    /// `SELECT … FOR UPDATE` and its kin, `LOCK TABLE`.
    Lock,
    Insert,
    /// `UPDATE`, `DELETE`, `MERGE`, `TRUNCATE`.
    Change,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Access {
    pub(crate) verb: Verb,
    /// The tables that are written or locked.
    pub(crate) targets: Vec<String>,
    /// Every table that is named.
    pub(crate) tables: Vec<String>,
    pub(crate) skips_locked: bool,
}

/// Words after a table's name that are no alias.
const CLAUSES: [&str; 22] = [
    "where",
    "join",
    "left",
    "right",
    "inner",
    "cross",
    "full",
    "natural",
    "on",
    "using",
    "group",
    "order",
    "limit",
    "for",
    "union",
    "set",
    "values",
    "returning",
    "having",
    "select",
    "default",
    "window",
];

/// Whether the name of a table that is changed follows.
fn is_change(words: &Words<'_>, n: usize) -> bool {
    const NO_STATEMENT: [&str; 7] = ["for", "key", "do", "on", "before", "after", "or"];
    let follows = |all: &[&str]| n > 0 && words.any(n - 1, all);
    words.is(n, "update") && !follows(&NO_STATEMENT)
        || words.is(n, "from") && follows(&["delete"])
        || n == 0 && words.is(n, "truncate")
}

impl Access {
    pub(super) fn of(words: &Words<'_>) -> Self {
        let mut access = Self::default();
        let (mut n, mut locks) = (0, false);
        while n < words.len() {
            if words.kind(n) != Some(TokenKind::Word) {
                n += 1;
                continue;
            }
            let next = words.any(n + 1, &["only", "table"]).into();
            let next: usize = next;
            let at = n + 1 + next;
            if words.is(n, "into") && n > 0 && words.any(n - 1, &["insert", "merge"]) {
                let verb = if words.is(n - 1, "insert") {
                    Verb::Insert
                } else {
                    Verb::Change
                };
                n = access.target(words, at, verb);
            } else if is_change(words, n) {
                n = access.target(words, at, Verb::Change);
            } else if n == 0 && words.is(n, "lock") {
                n = access.target(words, at, Verb::Lock);
            } else if n == 0 && words.is(n, "copy") && words.is_name(1) {
                let (_, mut end) = words.last_part(1);
                if words.raw(end) == "(" {
                    end = (end..words.len())
                        .find(|n| words.raw(*n) == ")")
                        .unwrap_or(end)
                        + 1;
                }
                let verb = if words.is(end, "from") {
                    Verb::Insert
                } else {
                    Verb::Read
                };
                access.target(words, 1, verb);
                return access;
            } else if words.any(n, &["from", "join", "using"]) {
                n = access.list(words, at);
            } else {
                let strength = words.any(n + 1, &["update", "share", "no", "key"]);
                locks |= words.is(n, "for") && strength;
                access.skips_locked |= words.is(n, "skip") && words.is(n + 1, "locked");
                n += 1;
            }
        }
        if locks && access.verb == Verb::Read {
            access.verb = Verb::Lock;
            access.targets = access.tables.clone();
        }
        access
    }

    fn target(&mut self, words: &Words<'_>, at: usize, verb: Verb) -> usize {
        if !words.is_name(at) {
            return at;
        }
        let (name, next) = words.last_part(at);
        if verb == Verb::Change || self.verb == Verb::Read {
            self.verb = verb;
        }
        if verb != Verb::Read {
            self.targets.push(name.clone());
        }
        self.tables.push(name);
        next
    }

    /// The tables of a `FROM` list.
    fn list(&mut self, words: &Words<'_>, mut at: usize) -> usize {
        while words.is_name(at) && !words.is(at, "select") {
            let (name, mut next) = words.last_part(at);
            // A function in the place of a table.
            if words.raw(next) == "(" {
                return next;
            }
            self.tables.push(name);
            if words.is(next, "as") {
                next += 1;
            }
            if words.is_name(next) && !words.any(next, &CLAUSES) {
                next += 1;
            }
            if words.raw(next) != "," {
                return next;
            }
            at = next + 1;
        }
        at
    }
}

//! One statement, as the application would have sent it in production.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::{Caller, Shown};
use crate::{fixtures, sandbox::DEPTH};

/// A statement and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) caller: Caller,
    sent: Arc<str>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) took: Duration,
    /// The rows that were returned or changed, where the server says so.
    pub(crate) rows: Option<u64>,
    pub(crate) error: Option<ServerError>,
    /// The server had not answered when the test ended.
    pub(crate) is_unanswered: bool,
}

/// The value of a parameter as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) type_id: u32,
    pub(crate) is_binary: bool,
    /// The value, or the beginning of a long one; `None` is null.
    pub(crate) value: Option<Vec<u8>>,
    /// The length of the whole value, in bytes.
    pub(crate) length: usize,
}

/// What the server says of a statement that failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
}

impl ServerError {
    fn size(&self) -> usize {
        self.message.len() + self.detail.as_ref().map_or(0, String::len)
    }
}

/// Stands in the place of what is not kept of a very long statement.
pub(crate) const CUT: &str = " …";

const SAVEPOINT: &str = "_sqlx_savepoint_";

/// What sqlx does to its savepoints.
const VERBS: [&str; 3] = ["SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT "];

/// How sqlx's look-ups of types and columns begin (`connection/resolve.rs`).
const LOOKUPS: [&str; 2] = [
    "SELECT pg_type.oid,\npg_type.oid::regtype::text pretty_name",
    "SELECT\nattrelid table_oid,\nattrelid::regclass::text table_name",
];

impl Statement {
    pub(crate) fn new(sent: Arc<str>, caller: Caller) -> Self {
        Self {
            caller,
            sent,
            parameters: Vec::new(),
            took: Duration::ZERO,
            rows: None,
            error: None,
            is_unanswered: false,
        }
    }

    /// Whether it is not the application's: the test's fixtures, or what sqlx sends on its own account,
    /// to look up a type or to restore a level of the sandbox.
    pub(crate) fn is_own(&self) -> bool {
        self.level().is_some_and(|level| level < DEPTH)
            || self.sent.starts_with(fixtures::BEGINNING)
            || LOOKUPS.iter().any(|lookup| self.sent.starts_with(lookup))
    }

    /// The statement as production would get it, on one line: in the sandbox sqlx counts the outer
    /// transaction and its spare levels, so that a `begin()` of the application is a savepoint.
    pub(crate) fn sql(&self) -> Cow<'_, str> {
        self.as_in_production(&self.sent)
    }

    /// The same of its text without secrets.
    pub(super) fn as_in_production<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(level) = self.level() else {
            return one_line(text);
        };
        let verb = self.sent.trim_end_matches(char::is_numeric);
        let verb = verb.trim_end_matches(SAVEPOINT).trim_end();
        match (level - DEPTH, verb) {
            (0, "SAVEPOINT") => "BEGIN".into(),
            (0, "RELEASE SAVEPOINT") => "COMMIT".into(),
            (0, _) => "ROLLBACK".into(),
            (level, verb) => format!("{verb} {SAVEPOINT}{level}").into(),
        }
    }

    /// Whether it only begins or ends a transaction or a savepoint.
    pub(crate) fn is_transaction_control(&self) -> bool {
        let word = self.sent.split([' ', ';']).next().unwrap_or_default();
        let words = [
            "BEGIN",
            "START",
            "COMMIT",
            "ROLLBACK",
            "SAVEPOINT",
            "RELEASE",
        ];
        words.iter().any(|known| known.eq_ignore_ascii_case(word))
    }

    /// Whether it begins or ends a transaction of the application in sqlx's way, which touches
    /// none of the sandbox's own savepoints.
    pub(crate) fn is_transaction_of_sqlx(&self) -> bool {
        self.level().is_some_and(|level| level >= DEPTH)
    }

    /// Whether it failed or was not answered, which is always worth telling.
    pub(crate) fn is_unusual(&self) -> bool {
        self.error.is_some() || self.is_unanswered
    }

    /// Whether it may do what only a release of the connection undoes, by a function of the server.
    pub(crate) fn may_change_settings(&self) -> bool {
        self.sent.contains("set_config")
            || self.sent.contains("SET_CONFIG")
            || self.sent.ends_with(CUT)
    }

    /// Whether it counts as a query.
    pub(crate) fn is_counted(&self) -> bool {
        !self.is_transaction_control()
    }

    /// About how many bytes it takes to remember it. A text that several share counts for each.
    pub(super) fn size(&self) -> usize {
        let values = self.parameters.iter().filter_map(|one| one.value.as_ref());
        let error = self.error.as_ref().map_or(0, ServerError::size);
        let parameters = self.parameters.len() * size_of::<Parameter>();
        let values: usize = values.map(Vec::len).sum();
        size_of::<Self>() + self.sent.len() + parameters + values + error
    }

    /// What is printed of it.
    pub(crate) fn shown(&self) -> Shown {
        Shown::of(self)
    }

    pub(super) fn sent(&self) -> &str {
        &self.sent
    }

    /// The number in the name of one of sqlx's savepoints.
    fn level(&self) -> Option<usize> {
        let verb = VERBS.iter().find(|verb| self.sent.starts_with(**verb))?;
        let number = self.sent[verb.len()..].strip_prefix(SAVEPOINT)?;
        number.parse().ok()
    }
}

/// The text with each stretch of white space as one blank.
fn one_line(sql: &str) -> Cow<'_, str> {
    let words: Vec<_> = sql.split_whitespace().collect();
    let joined = words.join(" ");
    if joined == sql {
        Cow::Borrowed(sql)
    } else {
        Cow::Owned(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, DEPTH, Statement};

    fn shown(sent: &str) -> String {
        Statement::new(sent.into(), Caller::Test).sql().into_owned()
    }

    #[test]
    fn a_transaction_is_shown_as_production_sees_it() {
        let next = DEPTH + 1;
        assert_eq!(
            shown(&format!("SAVEPOINT _sqlx_savepoint_{DEPTH}")),
            "BEGIN"
        );
        assert_eq!(
            shown(&format!("RELEASE SAVEPOINT _sqlx_savepoint_{DEPTH}")),
            "COMMIT"
        );
        assert_eq!(
            shown(&format!("ROLLBACK TO SAVEPOINT _sqlx_savepoint_{DEPTH}")),
            "ROLLBACK"
        );
        assert_eq!(
            shown(&format!("SAVEPOINT _sqlx_savepoint_{next}")),
            "SAVEPOINT _sqlx_savepoint_1"
        );
    }

    #[test]
    fn a_statement_is_shown_on_one_line() {
        assert_eq!(shown("select\n    1"), "select 1");
    }
}

//! One statement, as the application would have sent it in production.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::Caller;
use crate::observe::masking::Dialect;

/// A statement and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) caller: Caller,
    /// The name of the database that it went to, unless that is the test's first one.
    pub(crate) database: Option<&'static str>,
    sent: Arc<str>,
    pub(crate) dialect: Dialect,
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

/// How the query of a test's fixtures begins; it is not one of the test's.
pub(crate) const FIXTURES: &str = "/*db-test fixtures*/";

/// Stands in the place of what is not kept of a very long statement.
pub(crate) const CUT: &str = " …";

/// How sqlx's look-ups of types and columns begin (`connection/resolve.rs`).
const LOOKUPS: [&str; 2] = [
    "SELECT pg_type.oid,\npg_type.oid::regtype::text pretty_name",
    "SELECT\nattrelid table_oid,\nattrelid::regclass::text table_name",
];

/// The first words of what only begins or ends a transaction or a savepoint.
const CONTROL: [&[u8]; 7] = [
    b"BEGIN",
    b"START",
    b"COMMIT",
    b"END",
    b"ROLLBACK",
    b"SAVEPOINT",
    b"RELEASE",
];

impl Statement {
    pub(crate) fn new(sent: Arc<str>) -> Self {
        Self {
            caller: Caller::Test,
            database: None,
            sent,
            dialect: Dialect::default(),
            parameters: Vec::new(),
            took: Duration::ZERO,
            rows: None,
            error: None,
            is_unanswered: false,
        }
    }

    /// One of SQLite that has begun and has not ended yet.
    #[cfg(feature = "sqlite")]
    pub(crate) fn running(sent: Arc<str>) -> Self {
        Self {
            dialect: Dialect::Sqlite,
            is_unanswered: true,
            ..Self::new(sent)
        }
    }

    /// Whether it is not the application's: the test's fixtures, or what sqlx sends on its own
    /// account, to look up a type.
    pub(crate) fn is_own(&self) -> bool {
        self.sent.starts_with(FIXTURES)
            || LOOKUPS.iter().any(|lookup| self.sent.starts_with(lookup))
    }

    /// The statement on one line.
    pub(crate) fn sql(&self) -> Cow<'_, str> {
        one_line(&self.sent)
    }

    /// Whether it only begins or ends a transaction or a savepoint.
    pub(crate) fn is_transaction_control(&self) -> bool {
        let sent = self.sent.as_bytes();
        let end = sent.iter().position(|byte| matches!(byte, b' ' | b';'));
        let word = &sent[..end.unwrap_or(sent.len())];
        CONTROL.iter().any(|known| known.eq_ignore_ascii_case(word))
    }

    /// Whether it failed or was not answered, which is always worth telling.
    pub(crate) fn is_unusual(&self) -> bool {
        self.error.is_some() || self.is_unanswered
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

    pub(super) fn sent(&self) -> &str {
        &self.sent
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
    use super::Statement;

    fn shown(sent: &str) -> String {
        Statement::new(sent.into()).sql().into_owned()
    }

    #[test]
    fn a_statement_is_shown_on_one_line() {
        assert_eq!(shown("select\n    1"), "select 1");
    }
}

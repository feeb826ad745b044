//! The statements of a test, to count and to inspect.

mod budget;
mod count;

use std::{future::Future, panic::Location, sync::Arc, time::Duration};

pub(crate) use self::budget::{Limits, exceeded, uncounted};
use self::count::InWords;
pub use self::count::QueryCount;
use crate::{
    executor::panics,
    observe::recording::{Recording, Shown, Statement},
};

/// The statements that a test and its application have sent, to count and to inspect.
///
/// Take it as an argument of a test, to find N+1 queries or to check which statements an endpoint
/// sends. Statements that fail count; those that begin or end a transaction, and those that db-test
/// and sqlx send by themselves, do not.
///
/// ```no_run
/// # use db_test::{Client, Queries};
/// # async fn example(client: Client, queries: Queries) {
/// queries.expect(..=2, client.get("/users")).await.assert_status_ok();
/// assert_eq!(queries.matching("insert into audit_log%").len(), 1);
/// # }
/// ```
///
/// For limits of a whole test, use the options `max_queries = 7` and
/// `max_queries_per_request = 3` of [`#[db_test]`](macro@crate::db_test).
#[derive(Clone)]
pub struct Queries(Arc<Recording>);

/// A statement that the server has answered; see [`Queries::all`] and [`Queries::matching`].
///
/// ```no_run
/// # use db_test::Queries;
/// # fn example(queries: &Queries) {
/// for query in queries.matching("insert into orders%") {
///     assert_eq!(query.rows(), Some(1), "{}", query.sql());
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Query(Statement);

impl Queries {
    /// The statements of a recording.
    pub(crate) fn of(recording: Arc<Recording>) -> Self {
        Self(recording)
    }

    /// Awaits a future, and asserts how many statements it sent.
    ///
    /// The count is a number, or a range such as `1..=3` or `..=2`.
    ///
    /// # Panics
    ///
    /// When the number is not as expected; the message lists the statements.
    #[track_caller]
    pub fn expect<F: IntoFuture>(
        &self,
        count: impl QueryCount,
        work: F,
    ) -> impl Future<Output = F::Output> {
        let place = Location::caller();
        async move {
            let before = self.so_far();
            let output = work.await;
            let caused = self.so_far().queries - before.queries;
            assert!(
                count.allows(caused),
                "{} expected at {place}, but there were {caused}:\n{}",
                InWords(&count),
                numbered(&self.answered(before.statements), caused)
            );
            output
        }
    }

    /// All statements so far, in the order of their answers.
    ///
    /// # Panics
    ///
    /// When the test has sent more statements than are recorded (10 000, or 16 MB of text).
    /// [`expect`](Self::expect) counts any number.
    #[track_caller]
    pub fn all(&self) -> Vec<Query> {
        let forgotten = self.so_far().forgotten;
        if forgotten > 0 {
            panics::misused(&format!(
                "the first {forgotten} statements of this test are no longer recorded, so not all can be returned;\n\
                 call this earlier in the test, or count the statements of a part of it with `queries.expect(count, future)`"
            ));
        }
        self.answered(0)
    }

    /// The statements so far that contain a pattern.
    ///
    /// `%` in the pattern stands for any text; line breaks and upper or lower case do not matter.
    ///
    /// # Panics
    ///
    /// As [`all`](Self::all).
    #[track_caller]
    pub fn matching(&self, pattern: &str) -> Vec<Query> {
        let fits = |query: &Query| fits(&query.sql(), pattern);
        self.all().into_iter().filter(fits).collect()
    }

    /// How much has been recorded so far.
    fn so_far(&self) -> SoFar {
        let log = self.0.log();
        SoFar {
            statements: log.statements.count(),
            forgotten: log.statements.forgotten(),
            queries: log.queries,
        }
    }

    /// What is remembered from a statement on.
    fn answered(&self, start: usize) -> Vec<Query> {
        let log = self.0.log();
        log.queries_from(start).cloned().map(Query).collect()
    }
}

/// How far a recording has come.
struct SoFar {
    statements: usize,
    forgotten: usize,
    queries: usize,
}

impl Query {
    /// The statement, on one line.
    pub fn sql(&self) -> String {
        self.0.sql().into_owned()
    }

    /// The name of the [further database](crate::Session::database) that it was sent to; `None` for
    /// the first database.
    pub fn database(&self) -> Option<&str> {
        self.0.database
    }

    /// The parameters as SQL literals, shortened; `***` for those of columns that are named like a
    /// secret.
    pub fn parameters(&self) -> Vec<String> {
        Shown::of(&self.0).parameters
    }

    /// The number of rows returned or changed; `None` if the server does not report it.
    pub fn rows(&self) -> Option<u64> {
        self.0.rows
    }

    /// The error code of the server (`SQLSTATE`), if the statement failed.
    pub fn error_code(&self) -> Option<&str> {
        self.0.error.as_ref().map(|error| error.code.as_str())
    }

    /// The time from the last byte sent to the server to the last byte of the answer.
    pub fn took(&self) -> Duration {
        self.0.took
    }
}

impl std::fmt::Debug for Queries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.answered(0)).finish()
    }
}

/// How many statements a list shows: the last ones.
const LISTED: usize = 100;

/// A numbered list of the last of `count` statements.
fn numbered(queries: &[Query], count: usize) -> String {
    let listed = &queries[queries.len().saturating_sub(LISTED)..];
    let hidden = count.saturating_sub(listed.len());
    let mut lines = Vec::new();
    if hidden > 0 {
        lines.push(format!("   … {hidden} earlier ones are not listed"));
    }
    for (query, number) in listed.iter().zip(hidden + 1..) {
        let Shown {
            sql, parameters, ..
        } = Shown::of(&query.0);
        let parameters = if parameters.is_empty() {
            String::new()
        } else {
            format!("  [{}]", parameters.join(", "))
        };
        lines.push(format!("{number:>4}. {sql}{parameters}"));
    }
    lines.join("\n")
}

/// Whether a statement contains a pattern.
pub(crate) fn fits(sql: &str, pattern: &str) -> bool {
    let (sql, pattern) = (sql.to_lowercase(), pattern.to_lowercase());
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = sql.as_str();
    for piece in pattern.split('%') {
        let piece = piece.split_whitespace().collect::<Vec<_>>().join(" ");
        match rest.find(&piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_fits_anywhere_and_in_order() {
        let sql = "INSERT INTO users (email) VALUES ($1)";
        for pattern in [
            "insert into users",
            "users%values",
            "%",
            "insert\n  into%($1)",
        ] {
            assert!(fits(sql, pattern), "{pattern}");
        }
        assert!(!fits(sql, "values%users"));
        assert!(!fits(sql, "delete"));
    }
}

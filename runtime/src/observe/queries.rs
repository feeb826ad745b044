//! Counting and looking at the statements of a test.

mod budget;
mod count;

use std::{future::Future, panic::Location, sync::Arc, time::Duration};

pub(crate) use self::budget::{Limits, exceeded};
use self::count::InWords;
pub use self::count::QueryCount;
use crate::observe::recording::{Recording, Shown, Statement};

/// The statements that a test and its application have sent, to count and to look at.
///
/// Take it as an argument of a test. What begins or ends a transaction is not counted, nor what
/// the library and sqlx send of their own accord; a statement that fails is.
///
/// ```no_run
/// # use db_test::{Client, Queries};
/// # async fn example(client: Client, queries: Queries) {
/// queries.expect(..=2, client.get("/users")).await.assert_status_ok();
/// assert_eq!(queries.matching("insert into audit_log%").len(), 1);
/// # }
/// ```
///
/// For limits of a whole test there are the options `max_queries = 7` and
/// `max_queries_per_request = 3` of [`#[db_test]`](macro@crate::db_test).
#[derive(Clone)]
pub struct Queries(Arc<Recording>);

/// A statement that the server has answered.
#[derive(Clone, Debug)]
pub struct Query(Statement);

impl Queries {
    /// Those that a recording knows.
    pub(crate) fn of(recording: Arc<Recording>) -> Self {
        Self(recording)
    }

    /// Runs something and makes sure how many statements it caused.
    ///
    /// The count is a number, or a range such as `1..=3` or `..=2`.
    ///
    /// # Panics
    ///
    /// When it is another number; the message lists the statements.
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
    /// When the test has sent so many (10 000, or some megabytes) that the
    /// first ones are forgotten. [`expect`](Self::expect) counts any number.
    #[track_caller]
    pub fn all(&self) -> Vec<Query> {
        let forgotten = self.so_far().forgotten;
        assert!(
            forgotten == 0,
            "the first {forgotten} statements of this test are not remembered any more, so nothing can be said of all;\n\
             look at the statements earlier, or count those of a part of the test with `queries.expect(count, future)`"
        );
        self.answered(0)
    }

    /// The statements so far that a pattern fits.
    ///
    /// The pattern fits anywhere in the statement, however it is broken into lines and whatever its
    /// case; `%` stands for any text.
    ///
    /// # Panics
    ///
    /// Where [`all`](Self::all) does.
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

    /// The name of the [further database](crate::Session::database) that it went to; `None` is the test's first one.
    pub fn database(&self) -> Option<&str> {
        self.0.database
    }

    /// The parameters as SQL literals, shortened; `***` for those of columns that are named like a secret.
    pub fn parameters(&self) -> Vec<String> {
        Shown::of(&self.0).parameters
    }

    /// The number of rows returned or changed; `None` where the server does not say.
    pub fn rows(&self) -> Option<u64> {
        self.0.rows
    }

    /// The server's code of the error (`SQLSTATE`), if the statement failed.
    pub fn error_code(&self) -> Option<&str> {
        self.0.error.as_ref().map(|error| error.code.as_str())
    }

    /// The time from its last byte sent to the server until the last byte of the answer.
    pub fn took(&self) -> Duration {
        self.0.took
    }
}

impl std::fmt::Debug for Queries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.answered(0)).finish()
    }
}

/// So many of the last statements stand in a list.
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

/// Whether a pattern fits anywhere in a statement.
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

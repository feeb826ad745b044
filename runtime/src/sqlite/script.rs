//! Running a script of SQL, and finding the statement that an error is about.

use std::time::Duration;

use futures_util::StreamExt;
use sqlx::{
    AssertSqlSafe, Either, Executor, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migration},
};

use super::hooks::is_complete;

/// How long finding the line of a migration may take; without it the message names the file alone.
const LIMIT: Duration = Duration::from_secs(5);

/// A statement that failed.
pub(super) struct Failed {
    pub(super) error: sqlx::Error,
    /// The number of its line, and that line, where they are known.
    pub(super) line: Option<(usize, String)>,
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self { error, line: None }
    }
}

/// Runs a script.
pub(super) async fn run(script: &str, connection: &mut SqliteConnection) -> Result<(), Failed> {
    let mut statement = 0;
    let sql = sqlx::raw_sql(AssertSqlSafe(script));
    let mut answers = connection.fetch_many(sql);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Either::Left(_)) => statement += 1,
            Ok(Either::Right(_)) => {}
            Err(error) => {
                let line = line_of(script, statement);
                return Err(Failed { error, line });
            }
        }
    }
    Ok(())
}

/// Runs a migration once more, in a transaction that is rolled back, to find the line on which it
/// fails.
pub(super) async fn failed_line(
    migration: &Migration,
    error: &MigrateError,
    pool: &SqlitePool,
) -> Option<usize> {
    let MigrateError::ExecuteMigration(first, _) = error else {
        return None;
    };
    // Without a transaction it has left something behind, and fails for another reason the second
    // time.
    if migration.no_tx {
        return None;
    }
    let again = async {
        let mut transaction = pool.begin().await.ok()?;
        let again = run(migration.sql.as_str(), &mut transaction).await.err()?;
        let is_same = again.error.to_string() == first.to_string();
        again.line.filter(|_| is_same)
    };
    let line = tokio::time::timeout(LIMIT, again).await.ok().flatten();
    line.map(|(number, _)| number)
}

/// The line on which the statement with this number, from zero, begins.
fn line_of(script: &str, number: usize) -> Option<(usize, String)> {
    let mut start = 0;
    let mut left = number;
    loop {
        start += blank(&script[start..]);
        if start == script.len() {
            return None;
        }
        // sqlx counts no empty statement.
        let is_empty = script[start..].starts_with(';');
        if left == 0 && !is_empty {
            break;
        }
        left -= usize::from(!is_empty);
        start = end_of(script, start)?;
    }
    let line = script[start..].lines().next().unwrap_or_default();
    let before = script[..start].matches('\n').count();
    Some((before + 1, line.to_owned()))
}

/// Where the statement that begins here ends, as SQLite sees it: a trigger has semicolons inside.
fn end_of(script: &str, start: usize) -> Option<usize> {
    let ends = script[start..].match_indices(';');
    let mut ends = ends.map(|(at, _)| start + at + 1);
    ends.find(|end| is_complete(&script[start..*end]))
}

/// The length of the white space and the comments at the start of a text.
fn blank(text: &str) -> usize {
    let mut rest = text;
    loop {
        let from = rest.trim_start();
        let behind = if from.starts_with("--") {
            from.split_once('\n').map_or("", |(_, behind)| behind)
        } else if from.starts_with("/*") {
            from.split_once("*/").map_or("", |(_, behind)| behind)
        } else {
            return text.len() - from.len();
        };
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::line_of;

    fn lines(script: &str) -> Vec<(usize, String)> {
        (0..).map_while(|number| line_of(script, number)).collect()
    }

    #[test]
    fn a_statement_is_on_the_line_of_its_first_word() {
        let script = "-- a; b\none 1;\n;/* two; */ two ';\n';\n\nthree";
        let expected = [(2, "one 1;"), (3, "two ';"), (6, "three")];
        assert_eq!(
            lines(script),
            expected.map(|(n, line)| (n, line.to_owned()))
        );
    }

    #[test]
    fn a_trigger_is_one_statement() {
        let script =
            "create trigger t after insert on a begin\n  select 1;\n  select 2;\nend;\nnext";
        let numbers: Vec<_> = lines(script).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 5]);
    }
}

//! The mark that the last user of a database leaves on it.

use std::time::{SystemTime, UNIX_EPOCH};

use super::DatabaseName;

/// What the last user of one of our databases said about it: the first line of the database's
/// comment. What migrations say in a comment on their database follows it.
///
/// Only a lane that is marked *clean* is trusted. One that is marked otherwise, or not at all, and
/// that nobody is connected to, belonged to a process that was killed, so nobody has proved that
/// nothing escaped into it.
///
/// The mark also says when the database was last used, for the removal of stale ones. Set aside: a
/// setting of the database, which only a superuser may give a name of its own (PostgreSQL 15).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) state: LaneState,
    /// Seconds since 1970, by this machine's clock.
    pub(crate) used: i64,
    /// The comment of the migrations.
    pub(crate) comment: Option<String>,
}

/// Whether a database is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LaneState {
    /// A process has claimed it and has not given it back.
    Busy,
    /// It was given back unchanged.
    Clean,
    /// Its connections are closed, and it is about to be renamed with the rows of a failed test.
    Leaving,
}

/// What the comment of a database of ours begins with.
const PREFIX: &str = "db-test ";

/// An expression for the comment of the database `d`, which is a row of `pg_database`. (Its catalog
/// has a fixed object id; `shobj_description` would take the server longer.)
pub(crate) const COMMENT: &str =
    "(select description from pg_shdescription where objoid = d.oid and classoid = 1262)";

impl Mark {
    pub(crate) fn clean() -> Self {
        Self::now_being(LaneState::Clean)
    }

    pub(crate) fn busy() -> Self {
        Self::now_being(LaneState::Busy)
    }

    pub(crate) fn leaving() -> Self {
        Self::now_being(LaneState::Leaving)
    }

    fn now_being(state: LaneState) -> Self {
        Self {
            state,
            used: Self::now(),
            comment: None,
        }
    }

    /// The mark with what migrations have said.
    pub(crate) fn with(mut self, comment: Option<String>) -> Self {
        self.comment = comment;
        self
    }

    pub(crate) fn now() -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    /// Reads a comment; one that does not begin with a mark has none.
    pub(crate) fn parse(comment: &str) -> Option<Self> {
        let (mark, comment) = match comment.split_once('\n') {
            Some((mark, comment)) => (mark, Some(comment.to_owned())),
            None => (comment, None),
        };
        let (state, used) = mark.strip_prefix(PREFIX)?.split_once(' ')?;
        let state = match state {
            "busy" => LaneState::Busy,
            "clean" => LaneState::Clean,
            "leaving" => LaneState::Leaving,
            _ => return None,
        };
        Some(Self {
            state,
            used: used.parse().ok()?,
            comment,
        })
    }

    /// The statement that leaves this mark on a database.
    pub(crate) fn statement(&self, database: &DatabaseName) -> String {
        let state = match self.state {
            LaneState::Busy => "busy",
            LaneState::Clean => "clean",
            LaneState::Leaving => "leaving",
        };
        let comment = self.comment.iter().map(|comment| format!("\n{comment}"));
        let comment = comment.collect::<String>();
        // Right whatever `standard_conforming_strings` says.
        let text = format!("{PREFIX}{state} {}{comment}", self.used)
            .replace('\'', "''")
            .replace('\\', "\\\\");
        format!("comment on database {database} is E'{text}'")
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;
    use crate::postgres::database::DatabaseName;

    #[test]
    fn a_mark_is_read_as_it_was_left() {
        let database = DatabaseName::template("0123456789abcdef");
        for mark in [
            Mark::busy(),
            Mark::clean(),
            Mark::leaving().with(Some("of\n migrations".to_owned())),
        ] {
            let statement = mark.statement(&database);
            let comment = statement.split('\'').nth(1).expect("it is quoted");
            assert_eq!(Mark::parse(comment), Some(mark));
        }
    }

    #[test]
    fn what_is_not_of_our_own_making_is_no_mark() {
        for comment in [
            "",
            "db-test",
            "db-test tidy 1",
            "db-test clean soon",
            "my database",
            "\ndb-test clean 1",
        ] {
            assert_eq!(Mark::parse(comment), None, "{comment}");
        }
    }

    #[test]
    fn a_comment_of_migrations_is_quoted() {
        let mark = Mark::clean().with(Some("the shop's \\ database".to_owned()));
        let statement = mark.statement(&DatabaseName::template("0123456789abcdef"));
        assert!(
            statement.ends_with("the shop''s \\\\ database'"),
            "{statement}"
        );
    }
}

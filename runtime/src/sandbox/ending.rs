//! How the sandbox of a test ended, in words.

use super::closing::Verdict;
use crate::{Error, keep::Keeping, outcome::Outcome, report::chain};

/// How the sandbox of a test ended.
pub(crate) enum Ending {
    /// The test never used its database.
    Untouched,
    /// There was no database for the test.
    NotOpened(Error),
    /// Rolled back, and nothing escaped.
    RolledBack,
    /// A database of the test's own, which is not used again.
    ThrownAway {
        /// What the test has made that is not in its database.
        left: Vec<String>,
    },
    /// The connection that kept a database of the test's own for it was ended, so another process may have removed it.
    TakenAway,
    /// Nothing escaped, but it was committed, in a database that was set aside to be looked at.
    Kept,
    /// Something may have been written for good; the lane was given up.
    Escaped(Escape),
    /// Rolled back, but production's commit would have failed.
    DeferredConstraint(sqlx::Error),
    /// The connection was closed by the application, broke, or is still held by a task.
    ConnectionGone { activity: Option<String> },
    /// The server did not say; the lane was given up.
    Unverified(String),
}

/// How a test got out of its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// By a `COMMIT`, `ROLLBACK` or the like that was sent as a statement.
    EndedByStatement,
    /// By more cancelled or failed `begin()`s on one connection than the sandbox has spare levels.
    RolledBackByGuards,
}

impl Ending {
    pub(super) fn of(
        verdict: Verdict,
        escape: Option<Escape>,
        violation: Option<sqlx::Error>,
    ) -> Self {
        match (escape, verdict) {
            (Some(escape), _) => Self::Escaped(escape),
            (None, Verdict::RolledBack) => violation.map_or(Self::RolledBack, Self::DeferredConstraint),
            (None, Verdict::Replaced) => Self::Escaped(Escape::EndedByStatement),
            (None, Verdict::DeferredConstraint(error)) => Self::DeferredConstraint(error),
            (None, Verdict::ClaimLost) => Self::Unverified(
                "the application called pg_advisory_unlock_all() and another process took the database".to_owned(),
            ),
            (None, Verdict::Unknown(error)) => Self::Unverified(chain(&error)),
            (None, Verdict::TooSlow) => Self::Unverified("the server did not answer in time".to_owned()),
        }
    }

    /// The test did not use its database, so there is nothing to keep either.
    pub(crate) fn untouched(outcome: &Outcome, keeping: &Keeping) -> Self {
        keeping.has_nothing_of(outcome, "the test did not use its database");
        Self::Untouched
    }

    /// Whether this alone makes the test fail.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::NotOpened(_) | Self::TakenAway | Self::Escaped(_) | Self::DeferredConstraint(_)
        )
    }

    /// The words after the test's name when this alone makes it fail.
    pub(crate) fn headline(&self) -> &'static str {
        match self {
            Self::NotOpened(error) if error.is_a_panic() => "did not run",
            Self::NotOpened(_) => "got no database",
            Self::TakenAway => "lost its database while it ran",
            Self::Escaped(_) => "escaped from its transaction",
            Self::DeferredConstraint(_) => "leaves a deferred constraint violated",
            _ => "failed",
        }
    }

    /// How the sandbox ended, with what to do about it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Untouched => "not used".to_owned(),
            Self::NotOpened(error) => error.to_string(),
            Self::RolledBack => "rolled back; nothing escaped".to_owned(),
            Self::Kept => "set aside with what the test had committed".to_owned(),
            Self::ThrownAway { left } => {
                let lines = left.iter().map(|what| format!("\n{what}"));
                format!("its database is thrown away{}", lines.collect::<String>())
            }
            Self::TakenAway => "the connection that reserves the test's database was ended while the test ran, so another process may have\n\
                 removed the database, and what the test saw proves nothing. Something ended it: a server that was restarted, a\n\
                 `pg_terminate_backend` or `drop database … with (force)`, a pooler or a network between."
                .to_owned(),
            Self::Escaped(Escape::EndedByStatement) => {
                "the transaction around the test was ended by a statement: a COMMIT, ROLLBACK, END, ABORT or\n\
                 PREPARE TRANSACTION sent as SQL text. What was written after it may be permanent, so this\n\
                 database is not used again; no other test sees it.\n\
                 Use `pool.begin()` and `tx.commit()`, which the sandbox turns into savepoints, or run this\n\
                 test with real commits: #[db_test(isolation = \"database\")]."
                    .to_owned()
            }
            Self::Escaped(Escape::RolledBackByGuards) => {
                "several `begin()`s were cancelled or failed on one connection that was held all the time,\n\
                 and sqlx rolled back further than the sandbox reaches: what the test had written is gone.\n\
                 Acquire a connection from the pool for each attempt."
                    .to_owned()
            }
            Self::DeferredConstraint(error) => format!(
                "rolled back; but a deferred constraint does not hold, so in production the commit fails:\n{}",
                chain(error)
            ),
            Self::ConnectionGone { activity } => {
                let activity = activity.as_deref().unwrap_or("its connection was gone");
                format!("rolled back by the server\n{activity}")
            }
            Self::Unverified(why) => format!("not verified: {why}; this database is thrown away"),
        }
    }

    /// What the test has left on the server, which somebody should know of even if it passed.
    pub(crate) fn left_behind(&self) -> &[String] {
        match self {
            Self::ThrownAway { left } => left,
            _ => &[],
        }
    }

    /// What is worth knowing even about a test that passed.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self {
            Self::ConnectionGone { .. } => vec![
                "the test's database connection was closed, or a task that outlived the test still held it".to_owned(),
            ],
            Self::Unverified(why) => vec![format!("the sandbox could not be verified: {why}")],
            _ => Vec::new(),
        }
    }
}

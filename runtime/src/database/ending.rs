//! How a test's use of its database ended, in words.

use super::keeping::{Keeping, Verdict};
use crate::{Error, error::ProblemKind};

/// How a test's use of its database ended.
pub(crate) enum Ending {
    /// The test never used its database.
    Untouched,
    /// There was no database for the test.
    NotOpened(Error),
    /// Rolled back, and nothing escaped. What was under way had to be cancelled.
    RolledBack { activity: Option<String> },
    /// A database of the test's own, which is cleared or dropped.
    Cleared {
        /// What the test has made that is not in its database.
        left: Vec<String>,
    },
    /// The test's SQLite file is removed, while so many connections were still held.
    #[cfg(feature = "sqlite")]
    FileRemoved { held: u32 },
    /// The test's SQLite database in memory is freed, or is when the connection is released that is
    /// still held.
    #[cfg(feature = "sqlite")]
    MemoryFreed { held: u32 },
    /// The connection that kept a database of the test's own for it was ended, so another process
    /// may have removed it.
    TakenAway,
    /// Nothing escaped, but it was committed, in a database that was set aside to be looked at.
    Kept,
    /// Something may have been written for good; the lane was given up.
    Escaped,
    /// The application released the lane's advisory lock, and another process took it.
    ClaimLost,
    /// The connection was closed by the application, broke, or is still held by a task.
    ConnectionGone { activity: Option<String> },
}

impl Ending {
    /// The test did not use its database, so there is nothing to keep either.
    pub(crate) fn untouched(verdict: Verdict, keeping: &Keeping) -> Self {
        keeping.nothing_to_keep(verdict, "the test did not use its database");
        Self::Untouched
    }

    /// Whether this alone makes the test fail.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::NotOpened(_) | Self::TakenAway | Self::Escaped)
    }

    /// The words after the test's name when this alone makes it fail.
    pub(crate) fn headline(&self) -> &'static str {
        match self {
            Self::NotOpened(error) if error.is(ProblemKind::Panic) => "did not run",
            Self::NotOpened(_) => "got no database",
            Self::TakenAway => "lost its database while it ran",
            Self::Escaped => "escaped from its transaction",
            _ => "failed",
        }
    }

    /// How it ended, with what to do about it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Untouched => "not used".to_owned(),
            Self::NotOpened(error) => error.to_string(),
            Self::RolledBack { activity: None } => "rolled back; nothing escaped".to_owned(),
            Self::RolledBack {
                activity: Some(activity),
            } => format!("rolled back; nothing escaped\n{activity}, and was cancelled"),
            Self::Kept => "set aside with what the test had committed".to_owned(),
            Self::Cleared { left } => {
                let lines = left.iter().map(|what| format!("\n{what}"));
                format!("its database is removed in the background{}", lines.collect::<String>())
            }
            #[cfg(feature = "sqlite")]
            Self::FileRemoved { held } => format!("its file is removed{}", still_held(*held)),
            #[cfg(feature = "sqlite")]
            Self::MemoryFreed { held } => format!(
                "its database was in memory, with one connection{}",
                still_held(*held)
            ),
            Self::TakenAway => "the connection that reserves the test's database was ended while the test ran, so another process may have\n\
                 removed the database, and what the test saw proves nothing. Something ended it: a server that was restarted, a\n\
                 `pg_terminate_backend` or `drop database … with (force)`, a pooler or a network between.\n\
                 Run the test again; if it happens again, find what ended the connection in the server's log."
                .to_owned(),
            Self::Escaped => "the transaction around the test was ended. What was written after it may be permanent, so\n\
                 this database is not used again; no other test sees it.\n\
                 Run this test with real commits: #[db_test(isolation = \"database\")]."
                .to_owned(),
            Self::ClaimLost => "not verified: the application called pg_advisory_unlock_all() and another process took\n\
                 the database; it is not used again"
                .to_owned(),
            Self::ConnectionGone { activity } => {
                let activity = activity.as_deref().unwrap_or("its connection was gone");
                format!("rolled back by the server\n{activity}")
            }
        }
    }

    /// What the test has left on the server, which somebody should know of even if it passed.
    pub(crate) fn left_behind(&self) -> &[String] {
        match self {
            Self::Cleared { left } => left,
            _ => &[],
        }
    }

    /// Why it is not verified that nothing of the test was committed.
    pub(crate) fn doubt(&self) -> Option<String> {
        match self {
            Self::ConnectionGone { activity } => {
                let activity = activity.as_deref().unwrap_or("its connection was gone");
                Some(format!("the sandbox could not be verified: {activity}"))
            }
            Self::ClaimLost => Some(
                "the sandbox could not be verified: another process has taken its database"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// What is worth knowing even about a test that passed.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self {
            Self::RolledBack {
                activity: Some(activity),
            } => vec![format!(
                "a task outlived the test: {activity}, and was cancelled"
            )],
            #[cfg(feature = "sqlite")]
            Self::FileRemoved { held: held @ 1.. } => {
                vec![format!("the test's file was removed{}", still_held(*held))]
            }
            #[cfg(feature = "sqlite")]
            Self::MemoryFreed { held: held @ 1.. } => {
                vec![format!("the test has ended{}", still_held(*held))]
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(feature = "sqlite")]
fn still_held(connections: u32) -> String {
    match connections {
        0 => String::new(),
        1 => "; a task that outlived the test still held a connection".to_owned(),
        more => format!("; tasks that outlived the test still held {more} connections"),
    }
}

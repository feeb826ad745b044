//! How the sandbox of a test ended, in words.

use crate::{Error, keep::Keeping, outcome::Outcome};

/// How the sandbox of a test ended.
pub(crate) enum Ending {
    /// The test never used its database.
    Untouched,
    /// There was no database for the test.
    NotOpened(Error),
    /// Rolled back, and nothing escaped. What was under way had to be cancelled.
    RolledBack { activity: Option<String> },
    /// A database of the test's own, which is not used again.
    ThrownAway,
    /// Nothing escaped, but it was committed, in a database that was set aside to be looked at.
    Kept,
    /// Something may have been written for good; the lane was given up.
    Escaped(String),
    /// The connection was closed by the application, broke, or is still held by a task.
    ConnectionGone { activity: Option<String> },
}

impl Ending {
    /// The test did not use its database, so there is nothing to keep either.
    pub(crate) fn untouched(outcome: &Outcome, keeping: &Keeping) -> Self {
        keeping.has_nothing_of(outcome, "the test did not use its database");
        Self::Untouched
    }

    /// Whether this alone makes the test fail.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::NotOpened(_) | Self::Escaped(_))
    }

    /// The words after the test's name when this alone makes it fail.
    pub(crate) fn headline(&self) -> &'static str {
        match self {
            Self::NotOpened(_) => "got no database",
            Self::Escaped(_) => "escaped from its transaction",
            _ => "failed",
        }
    }

    /// How the sandbox ended, with what to do about it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Untouched => "not used".to_owned(),
            Self::NotOpened(error) => error.to_string(),
            Self::RolledBack { activity: None } => "rolled back; nothing escaped".to_owned(),
            Self::RolledBack {
                activity: Some(activity),
            } => format!("rolled back; nothing escaped\n{activity}, and was cancelled"),
            Self::Kept => "set aside with what the test had committed".to_owned(),
            Self::ThrownAway => "its database is thrown away".to_owned(),
            Self::Escaped(why) => format!(
                "the transaction around the test was ended: {why}. What was written after it may be\n\
                 permanent, so this database is not used again; no other test sees it.\n\
                 Run this test with real commits: #[db_test(isolation = \"database\")]."
            ),
            Self::ConnectionGone { activity } => {
                let activity = activity.as_deref().unwrap_or("its connection was gone");
                format!("rolled back by the server\n{activity}")
            }
        }
    }

    /// What is worth knowing even about a test that passed.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self {
            Self::ConnectionGone { activity } => {
                let activity = activity.as_deref().unwrap_or("its connection was gone");
                vec![format!("the sandbox could not be verified: {activity}")]
            }
            Self::RolledBack {
                activity: Some(activity),
            } => vec![format!(
                "a task outlived the test: {activity}, and was cancelled"
            )],
            _ => Vec::new(),
        }
    }
}

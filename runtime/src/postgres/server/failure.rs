//! Errors of a connection, by PostgreSQL's codes.

use crate::postgres::sqlstate::is;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectFailure {
    Refused(sqlx::Error),
    TimedOut,
}

impl ConnectFailure {
    /// Whether the server refused with this code (PostgreSQL manual, appendix A).
    pub(crate) fn is(&self, code: &str) -> bool {
        matches!(self, Self::Refused(error) if is(error, code))
    }
}

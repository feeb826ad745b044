//! Errors of a connection, by PostgreSQL's codes.

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

/// Whether an error is the server's with this code (PostgreSQL manual, appendix A).
pub(crate) fn is(error: &sqlx::Error, code: &str) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .as_deref()
        == Some(code)
}

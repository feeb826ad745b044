//! PostgreSQL's error codes that db-test handles or sends (manual, appendix A).

use sqlx::migrate::MigrateError;

pub(crate) const UNABLE_TO_CONNECT: &str = "08001";
pub(crate) const SERVER_REJECTED: &str = "08004";
pub(crate) const PROTOCOL_VIOLATION: &str = "08P01";
pub(crate) const INVALID_GRANT_OPERATION: &str = "0LP01";
pub(crate) const INVALID_PARAMETER_VALUE: &str = "22023";
pub(crate) const FOREIGN_KEY_VIOLATION: &str = "23503";
pub(crate) const UNIQUE_VIOLATION: &str = "23505";
pub(crate) const EXCLUSION_VIOLATION: &str = "23P01";
pub(crate) const ACTIVE_SQL_TRANSACTION: &str = "25001";
pub(crate) const READ_ONLY_SQL_TRANSACTION: &str = "25006";
pub(crate) const NO_ACTIVE_SQL_TRANSACTION: &str = "25P01";
pub(crate) const IN_FAILED_SQL_TRANSACTION: &str = "25P02";
pub(crate) const INVALID_SQL_STATEMENT_NAME: &str = "26000";
pub(crate) const INVALID_AUTHORIZATION_SPECIFICATION: &str = "28000";
pub(crate) const INVALID_PASSWORD: &str = "28P01";
pub(crate) const INVALID_TRANSACTION_TERMINATION: &str = "2D000";
pub(crate) const INVALID_CURSOR_NAME: &str = "34000";
pub(crate) const INVALID_SAVEPOINT_SPECIFICATION: &str = "3B001";
pub(crate) const INVALID_CATALOG_NAME: &str = "3D000";
pub(crate) const INSUFFICIENT_PRIVILEGE: &str = "42501";
pub(crate) const SYNTAX_ERROR: &str = "42601";
pub(crate) const UNDEFINED_OBJECT: &str = "42704";
pub(crate) const DUPLICATE_OBJECT: &str = "42710";
pub(crate) const OBJECT_NOT_IN_PREREQUISITE_STATE: &str = "55000";
pub(crate) const DUPLICATE_CURSOR: &str = "42P03";
pub(crate) const DUPLICATE_DATABASE: &str = "42P04";
pub(crate) const DUPLICATE_PREPARED_STATEMENT: &str = "42P05";
pub(crate) const DUPLICATE_TABLE: &str = "42P07";
pub(crate) const TOO_MANY_CONNECTIONS: &str = "53300";
pub(crate) const OBJECT_IN_USE: &str = "55006";
pub(crate) const LOCK_NOT_AVAILABLE: &str = "55P03";
pub(crate) const UNSAFE_NEW_ENUM_VALUE_USAGE: &str = "55P04";
pub(crate) const QUERY_CANCELED: &str = "57014";
pub(crate) const ADMIN_SHUTDOWN: &str = "57P01";
pub(crate) const CANNOT_CONNECT_NOW: &str = "57P03";
pub(crate) const INTERNAL_ERROR: &str = "XX000";

/// Whether an error is the server's with this code.
pub(crate) fn is(error: &sqlx::Error, code: &str) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .as_deref()
        == Some(code)
}

/// Whether the next test may succeed: a connection was lost, or the server starts, stops, is out of
/// resources or otherwise busy. A statement that ran into the server's time limit is not transient.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut);
    };
    let classes = ["08", "53", "55", "57", "58"];
    error.code().is_some_and(|code| {
        code != QUERY_CANCELED && classes.iter().any(|class| code.starts_with(class))
    })
}

/// The same of migrations.
pub(crate) fn is_transient_migration(error: &MigrateError) -> bool {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            is_transient(error)
        }
        _ => false,
    }
}

//! The server's time limits, which db-test lifts on its connections.

use sqlx::PgConnection;

/// From PostgreSQL 17 on, a transaction has a limit as well.
const LIMITS_TRANSACTIONS: u32 = 170_000;

/// Statements after which the server does not end an idle connection or a long transaction.
///
/// Limits of statements and locks stay: they belong to the application, as the role's or the
/// database's settings.
pub(crate) fn never_end(server_version: Option<u32>) -> String {
    let mut sql =
        "set idle_session_timeout = 0; set idle_in_transaction_session_timeout = 0".to_owned();
    if server_version >= Some(LIMITS_TRANSACTIONS) {
        sql.push_str("; set transaction_timeout = 0");
    }
    sql
}

/// The same, and statements may take as long as they need, for maintenance.
pub(super) fn no_limits(connection: &PgConnection) -> String {
    format!(
        "{}; set statement_timeout = 0; set lock_timeout = 0",
        never_end(connection.server_version_num())
    )
}

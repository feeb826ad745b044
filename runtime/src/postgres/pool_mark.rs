//! What distinguishes a connection of a test's own pool from one that the application has opened:
//! a setting in the options of its startup message, which no server knows and each accepts.

use sqlx::postgres::PgConnectOptions;

/// The name of the setting.
pub(crate) const NAME: &str = "db_test.pool";

/// Marks the connections of a test's pool.
pub(crate) fn marked(options: PgConnectOptions) -> PgConnectOptions {
    options.options([(NAME, "on")])
}

/// Whether a startup message with these parameters is of a test's pool.
pub(crate) fn is_in(parameters: &[(String, String)]) -> bool {
    let mut options = parameters.iter().filter(|(name, _)| name == "options");
    options.any(|(_, options)| options.contains(NAME))
}

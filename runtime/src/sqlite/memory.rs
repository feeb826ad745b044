//! The database of one test in memory: the template's bytes, on the one connection of its pool.

use std::time::Duration;

use sqlx::{
    SqliteConnection, SqlitePool,
    pool::PoolOptions,
    sqlite::{Sqlite, SqliteOwnedBuf},
};

use super::{Template, cause::Cause};
use crate::{Error, observe::report::chain};

/// How long an `acquire` waits for the one connection, unless the session sets a limit: most likely
/// the test holds it.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(5);

/// The options of the pool.
pub(super) fn pool_options(
    options: PoolOptions<Sqlite>,
    acquire_limit: Option<Duration>,
) -> PoolOptions<Sqlite> {
    options
        .max_connections(1)
        .acquire_timeout(acquire_limit.unwrap_or(ACQUIRE_LIMIT))
}

/// Puts the template into the pool's one connection.
pub(super) async fn load(template: &Template, pool: &SqlitePool) -> Result<(), Error> {
    let bytes = template.bytes().await?;
    let failed = |error: sqlx::Error| {
        let problem = chain(&error);
        Error::from(Cause::NotLoaded { problem })
    };
    let mut connection = pool.acquire().await.map_err(failed)?;
    // SQLite takes no empty one.
    if bytes.is_empty() {
        return Ok(());
    }
    let bytes = SqliteOwnedBuf::try_from(bytes).map_err(failed)?;
    let connection: &mut SqliteConnection = &mut connection;
    connection
        .deserialize(None, bytes, false)
        .await
        .map_err(failed)
}

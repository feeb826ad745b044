//! The connection to the database and the migrations of its schema.

use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::{MigrateError, Migrator},
};

/// The migrations in `migrations/`, embedded in the program.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Why the database is not ready to be served from.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// There was no connection.
    #[error("could not connect to the database: {0}")]
    Connection(#[from] sqlx::Error),
    /// A migration failed.
    #[error("could not migrate the database: {0}")]
    Migration(#[from] MigrateError),
}

/// Connects to the database and brings its schema up to date.
///
/// # Errors
///
/// When the server cannot be reached or a migration fails.
pub async fn connect(url: &str) -> Result<PgPool, NotReady> {
    // A pool tries again for half a minute and then forgets why; a connection says it at once.
    let mut connection = PgConnection::connect(url).await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(PgPool::connect_lazy(url)?)
}

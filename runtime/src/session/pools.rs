//! The limits of the tests' pools.

use std::time::Duration;

use sqlx::{pool::PoolOptions, postgres::PgPoolOptions};

use super::{Isolation, Session};

/// How many connections `#[sqlx::test]` gives to a test's pool
/// (`sqlx-postgres` 0.9, `src/testing/mod.rs`).
const AS_SQLX_TEST: u32 = 5;

impl Session {
    /// How long `acquire` waits for a connection of a test's pool while all are in use, before it
    /// fails with [`sqlx::Error::PoolTimedOut`]. Default: 30 seconds, as in sqlx.
    pub fn acquire_timeout(mut self, limit: Duration) -> Self {
        self.acquire_timeout = Some(limit);
        self
    }

    /// The maximum number of connections of a test's pool. Default: 10, as in sqlx; with
    /// [`Isolation::Database`] 5, as in `#[sqlx::test]`.
    pub fn max_connections(mut self, limit: u32) -> Self {
        self.max_connections = Some(limit);
        self
    }

    /// The options of a test's pool on PostgreSQL.
    pub(crate) fn pool_options(&self, isolation: Isolation) -> PgPoolOptions {
        let options = match isolation {
            Isolation::Transaction | Isolation::Memory => PgPoolOptions::new(),
            Isolation::Database => PgPoolOptions::new().max_connections(AS_SQLX_TEST),
        };
        self.limited(options)
    }

    /// The options with the session's limits.
    pub(super) fn limited<DB: sqlx::Database>(&self, options: PoolOptions<DB>) -> PoolOptions<DB> {
        let options = match self.max_connections {
            Some(limit) => options.max_connections(limit),
            None => options,
        };
        match self.acquire_timeout {
            Some(limit) => options.acquire_timeout(limit),
            None => options,
        }
    }
}

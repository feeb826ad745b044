//! SQLite databases that a session has beside its own, by name.

use std::future::Future;

use sqlx::{SqlitePool, migrate::Migrator, sqlite::SqliteConnectOptions};

use super::{Migrations, Session};
use crate::BoxError;

/// Describes a further database of a session, on SQLite; see [`Session::sqlite_database`].
///
/// It begins empty: it has migrations, seeds and options of its own, and nothing of the session's.
#[derive(Clone, Debug)]
#[must_use = "a database does nothing until it is returned from the function that describes it"]
pub struct SqliteDatabase(Session);

impl Session {
    /// A further database on SQLite, by a name that tests and the application use.
    ///
    /// Use it where the application has one beside PostgreSQL, such as a cache, or several files of
    /// SQLite. Each test has a copy of its own, a file that is removed when the test ends, whatever
    /// its `isolation`. It costs a test nothing until it is used.
    ///
    /// ```no_run
    /// # use axum::Router;
    /// # use sqlx::{PgPool, SqlitePool};
    /// # fn app(pool: PgPool, cache: SqlitePool) -> Router { Router::new() }
    /// use db_test::Session;
    ///
    /// #[db_test::session]
    /// fn session() -> Session {
    ///     Session::postgres()
    ///         .sqlite_database("cache", |database| database.migrations("cache/migrations"))
    ///         .app(|cx| app(cx.pool(), cx.sqlite_pool_of("cache")))
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// Its pool has the session's [`max_connections`](Self::max_connections) and
    /// [`acquire_timeout`](Self::acquire_timeout). A test takes it by an argument of a type of its
    /// own, whose [`FromTest`](crate::FromTest) calls
    /// [`TestContext::sqlite_pool_of`](crate::TestContext::sqlite_pool_of). Fixtures are for the
    /// first database.
    ///
    /// # Panics
    ///
    /// When the session has a database of that name already.
    pub fn sqlite_database(
        mut self,
        name: impl Into<String>,
        describe: impl FnOnce(SqliteDatabase) -> SqliteDatabase,
    ) -> Self {
        self.add_database(name.into(), describe(SqliteDatabase::new()).0);
        self
    }
}

impl SqliteDatabase {
    fn new() -> Self {
        Self(Session::sqlite().migrations(Migrator::DEFAULT))
    }

    /// The migrations: `sqlx::migrate!("…")`, or a directory relative to the crate's `Cargo.toml`.
    /// Default: none.
    pub fn migrations(self, migrations: impl Into<Migrations>) -> Self {
        Self(self.0.migrations(migrations))
    }

    /// SQL run once, after the migrations; as [`Session::seed_sql`].
    pub fn seed_sql(self, sql: impl Into<String>) -> Self {
        Self(self.0.seed_sql(sql))
    }

    /// A function run once, after the migrations and the [`seed_sql`](Self::seed_sql); as
    /// [`Session::sqlite_seed`].
    pub fn seed<F, Fut, E>(self, seed: F) -> Self
    where
        F: Fn(SqlitePool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self(self.0.sqlite_seed(seed))
    }

    /// Adapts the options of each connection; as [`Session::sqlite_options`].
    pub fn options<F>(self, adapt: F) -> Self
    where
        F: Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
    {
        Self(self.0.sqlite_options(adapt))
    }
}

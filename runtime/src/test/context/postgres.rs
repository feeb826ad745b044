//! What a test has of its PostgreSQL databases.

use std::{any::Any, sync::Arc};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::TestContext;
use crate::{
    Error, Savepoint,
    test::{cause::Cause, faults, postgres_database::PostgresDatabase},
};

/// Help for a test that takes PostgreSQL's pool or options.
const POOL: &str =
    "take `SqlitePool`, `PoolConnection<Sqlite>`, `SqliteConnectOptions` or `cx.sqlite_pool()`";

impl TestContext {
    /// The test's database as an ordinary pool, of up to ten connections (sqlx's default).
    ///
    /// All of them are in one transaction, which is rolled back when the test ends. Within it each
    /// connection begins, commits and fails as in production. With `isolation = "database"` what
    /// they commit is committed. A handle that outlives the test gets an error that names the test,
    /// after a short wait.
    ///
    /// # Panics
    ///
    /// In a [session on SQLite](crate::Session).
    pub fn pool(&self) -> PgPool {
        match self.try_pool() {
            Ok(pool) => pool,
            Err(error) => panic!("db-test: {error}"),
        }
    }

    /// The pool of the session's further database of this name; see
    /// [`Session::database`](crate::Session::database).
    ///
    /// It is rolled back, or dropped, like the [first one](Self::pool). With `isolation =
    /// "database"` the first call blocks its thread until the database has been made.
    ///
    /// # Panics
    ///
    /// When the session has no database of this name; with `isolation = "database"`, when it could
    /// not be made.
    #[track_caller]
    pub fn pool_of(&self, name: &str) -> PgPool {
        self.0.bypass.database_taken();
        let pool = self
            .0
            .further
            .postgres(name)
            .and_then(PostgresDatabase::pool);
        pool.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Connection options for an application that builds its own pool. Its connections are in the
    /// test's transaction, like those of its [`pool`](Self::pool).
    ///
    /// # Errors
    ///
    /// When the session could not start. If that is not known yet, the first connection gets the
    /// error.
    pub fn connect_options(&self) -> Result<PgConnectOptions, Error> {
        self.0.bypass.database_taken();
        self.first("the test", POOL)?.connect_options()
    }

    /// Connection options for the session's further database of this name, for an application that
    /// builds its own pool.
    ///
    /// # Errors
    ///
    /// When the session has no database of this name, or could not start.
    pub fn connect_options_of(&self, name: &str) -> Result<PgConnectOptions, Error> {
        self.0.bypass.database_taken();
        self.0.further.postgres(name)?.connect_options()
    }

    /// The URL of the test's database, for applications, drivers and programs that connect by one.
    ///
    /// Whatever connects to it is in the test's transaction: what is committed there is rolled back
    /// when the test ends. After that, connections to it are refused with an error that names the
    /// test.
    ///
    /// # Errors
    ///
    /// When the session cannot start.
    pub async fn url(&self) -> Result<String, Error> {
        self.ready().await?;
        self.0.bypass.database_taken();
        self.0.database.url()
    }

    /// The URL of the session's further database of this name, as [`url`](Self::url) is of the
    /// first one.
    ///
    /// # Errors
    ///
    /// When the session has no database of this name, or cannot start.
    pub async fn url_of(&self, name: &str) -> Result<String, Error> {
        self.0.bypass.database_taken();
        let database = self.0.further.get(name)?;
        database.ready().await?;
        database.url()
    }

    /// Connection options for a look at this test's database from outside of its transaction.
    ///
    /// Such a connection sees what is really committed: a test proves with it that something is
    /// not. It is read-only, because what it wrote would stay.
    ///
    /// # Errors
    ///
    /// When the session cannot start.
    pub async fn outside(&self) -> Result<PgConnectOptions, Error> {
        self.0.bypass.database_taken();
        let help = "each connection of `cx.sqlite_pool()` sees what is committed";
        self.first("`cx.outside()`", help)?.outside().await
    }

    /// Marks the present state of the test's databases, to return to it later.
    ///
    /// Use it where one test runs many cases, each of which starts from the same rows: see
    /// [`Savepoint::restore`] and, for property tests, [`Savepoint::case`].
    ///
    /// # Errors
    ///
    /// With `isolation = "database"`, which has no transaction to return to the start of; while a
    /// transaction of the test or its application is open.
    pub async fn savepoint(&self) -> Result<Savepoint, Error> {
        let limit = self.0.limit;
        let help = "a test's SQLite file is in no transaction, so each case needs its own test";
        let first = self.first("`cx.savepoint()`", help)?;
        let first = first.savepoint(limit).await?;
        Box::pin(self.0.further.savepoint(first, limit)).await
    }

    /// The options of a pool of the application's own making.
    pub(crate) fn pool_options(&self) -> PgPoolOptions {
        let session = &self.0.definition.session;
        session.pool_options(self.0.isolation)
    }

    /// The faults of the test, which happen between its connections and the server.
    pub(crate) fn faults(&self) -> Result<Arc<faults::Table>, Error> {
        let help = "they happen between a pool and a PostgreSQL server, and SQLite has none";
        self.first("`Faults`", help)?;
        Ok(Arc::clone(&self.0.faults))
    }

    /// The pool of the test's first database.
    pub(crate) fn try_pool(&self) -> Result<PgPool, Error> {
        self.0.bypass.database_taken();
        self.first("the test", POOL)?.pool()
    }

    /// The test's first database, if the session is on PostgreSQL; else an error about what needs
    /// it, with help.
    fn first(&self, what: &'static str, help: &'static str) -> Result<&PostgresDatabase, Error> {
        let database: &dyn Any = &*self.0.database;
        let database = database.downcast_ref();
        database.ok_or_else(|| Error::from(Cause::NotPostgres { what, help }))
    }
}

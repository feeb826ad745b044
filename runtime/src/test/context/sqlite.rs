//! What a test has of its SQLite database.

use std::any::Any;

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::TestContext;
use crate::{Error, sqlite::TestDatabase, test::cause::Cause};

impl TestContext {
    /// The test's database as an ordinary pool, in a [session on SQLite](crate::Session::sqlite).
    ///
    /// Its connections (up to ten, sqlx's default) really commit, to a file that is removed when the test ends. With
    /// `isolation = "memory"` it has one connection, to a database in memory.
    ///
    /// # Panics
    ///
    /// In a session on PostgreSQL.
    pub fn sqlite_pool(&self) -> SqlitePool {
        match self.sqlite() {
            Ok(database) => database.pool(),
            Err(error) => panic!("db-test: {error}"),
        }
    }

    /// Connection options for an application that builds its own pool, in a [session on SQLite](crate::Session::sqlite).
    ///
    /// # Errors
    ///
    /// In a session on PostgreSQL, and with `isolation = "memory"`.
    pub fn sqlite_connect_options(&self) -> Result<SqliteConnectOptions, Error> {
        self.sqlite()?.connect_options()
    }

    /// The test's SQLite database.
    pub(crate) fn sqlite(&self) -> Result<&TestDatabase, Error> {
        self.0.bypass.database_taken();
        let database: &dyn Any = &*self.0.database;
        let database = database.downcast_ref();
        database.ok_or_else(|| Error::from(Cause::NotSqlite))
    }

    /// The options of a pool of the application's own making.
    pub(crate) fn sqlite_pool_options(&self) -> SqlitePoolOptions {
        self.0.definition.session.sqlite_pool_options()
    }
}

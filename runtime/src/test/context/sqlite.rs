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
    /// Its connections (up to ten, sqlx's default) really commit, to a file that is removed when
    /// the test ends. With `isolation = "memory"` it has one connection, to a database in memory.
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

    /// Connection options for an application that builds its own pool, in a [session on
    /// SQLite](crate::Session::sqlite).
    ///
    /// # Errors
    ///
    /// In a session on PostgreSQL, and with `isolation = "memory"`.
    pub fn sqlite_connect_options(&self) -> Result<SqliteConnectOptions, Error> {
        self.sqlite()?.connect_options()
    }

    /// The pool of the session's further SQLite database of this name; see
    /// [`Session::sqlite_database`](crate::Session::sqlite_database).
    ///
    /// It is a copy of the test's own, which is removed when the test ends. The first call blocks
    /// its thread until it has been made.
    ///
    /// # Panics
    ///
    /// When the session has no SQLite database of this name, or it could not be made.
    #[track_caller]
    pub fn sqlite_pool_of(&self, name: &str) -> SqlitePool {
        self.0.bypass.database_taken();
        match self.0.further.sqlite(name) {
            Ok(database) => database.pool(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connection options for the session's further SQLite database of this name, for an
    /// application that builds its own pool.
    ///
    /// # Errors
    ///
    /// When the session has no SQLite database of this name, or it could not be made.
    pub fn sqlite_connect_options_of(&self, name: &str) -> Result<SqliteConnectOptions, Error> {
        self.0.bypass.database_taken();
        self.0.further.sqlite(name)?.connect_options()
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

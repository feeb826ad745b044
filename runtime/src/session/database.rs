//! Further databases of a session, by name.

use std::future::Future;

use sqlx::{PgPool, migrate::Migrator};

use super::{Migrations, Session};
use crate::BoxError;

/// Describes a further database of a session; see [`Session::database`] for an example.
///
/// It begins empty: it has its own migrations, seeds, locale and role, and none of the session's.
#[derive(Clone, Debug)]
#[must_use = "a database does nothing until it is returned from the function that describes it"]
pub struct Database(Session);

/// A database with its name.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    database: Session,
}

impl Session {
    /// A further database on the same server. Tests and the application refer to it by this name.
    ///
    /// Use it where the application has several, such as one for analytics. Each test has it as it
    /// has its first one: in a transaction that is rolled back, or as a database of its own. It
    /// costs a test nothing until it is used.
    ///
    /// ```no_run
    /// # use axum::Router;
    /// # use sqlx::PgPool;
    /// # fn app(pool: PgPool, analytics: PgPool) -> Router { Router::new() }
    /// use db_test::Session;
    ///
    /// #[db_test::session]
    /// fn session() -> Session {
    ///     Session::postgres()
    ///         .database("analytics", |database| database.migrations("analytics/migrations"))
    ///         .app(|cx| app(cx.pool(), cx.pool_of("analytics")))
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// Its pool has the session's [`max_connections`](Self::max_connections) and
    /// [`acquire_timeout`](Self::acquire_timeout). A test takes it by an argument of a type of its
    /// own, whose [`FromTest`](crate::FromTest) asks
    /// [`TestContext::pool_of`](crate::TestContext::pool_of). Fixtures of SQL are for the first
    /// database.
    ///
    /// # Panics
    ///
    /// When the session has a database of that name already.
    pub fn database(
        mut self,
        name: impl Into<String>,
        describe: impl FnOnce(Database) -> Database,
    ) -> Self {
        self.add_database(name.into(), describe(Database::new()).0);
        self
    }

    pub(super) fn add_database(&mut self, name: String, database: Session) {
        assert!(
            self.databases.iter().all(|known| known.name != name),
            "the session has two databases of the name `{name}`"
        );
        self.databases.push(Named { name, database });
    }
}

impl Database {
    fn new() -> Self {
        Self(Session::postgres().migrations(Migrator::DEFAULT))
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
    /// [`Session::seed`].
    pub fn seed<F, Fut, E>(self, seed: F) -> Self
    where
        F: Fn(PgPool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self(self.0.seed(seed))
    }

    /// The language by whose rules text is compared and sorted; as [`Session::locale`].
    pub fn locale(self, tag: impl Into<String>) -> Self {
        Self(self.0.locale(tag))
    }

    /// The role of tests and application in this database; as [`Session::role`].
    pub fn role(self, name: impl Into<String>) -> Self {
        Self(self.0.role(name))
    }

    /// Runs migrations and seeds as the superuser of the private server; as [`Session::superuser`].
    pub fn superuser(self) -> Self {
        Self(self.0.superuser())
    }
}

impl Named {
    /// What its databases are made from and how its pools are, as a session of its own.
    pub(super) fn session(&self, of: &Session) -> Session {
        Session {
            named: Some(self.name.clone()),
            acquire_timeout: of.acquire_timeout,
            max_connections: of.max_connections,
            ..self.database.clone()
        }
    }
}

//! What a session is: which database, which application, which overrides.

mod cause;
mod database;
mod disagreement;
mod migrations;
mod modes;
mod registry;
#[cfg(feature = "sqlite")]
mod sqlite_database;
mod start;
mod stated;
pub(crate) mod variables;

#[cfg(feature = "axum")]
use std::any::Any;
use std::{future::Future, sync::Arc, time::Duration};

use sqlx::{PgPool, pool::PoolOptions, postgres::PgPoolOptions};
#[cfg(feature = "sqlite")]
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

pub use self::registry::SessionFn;
#[cfg(feature = "sqlite")]
pub use self::sqlite_database::SqliteDatabase;
pub use self::{
    database::Database,
    migrations::Migrations,
    modes::{Flavor, Isolation},
};
pub(crate) use self::{
    disagreement::compare,
    registry::{Definition, Kind, Origin, any_active, close_all, definition_of, register},
    stated::Stated,
};
#[cfg(feature = "sqlite")]
use crate::sqlite;
use crate::{
    BoxError, Overrides,
    postgres::{server::Login, template::SeedFn},
};

/// The time limit of a test whose attribute and session name none.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// How many connections `#[sqlx::test]` gives to a test's pool (`sqlx-postgres` 0.9, `src/testing/mod.rs`).
const AS_SQLX_TEST: u32 = 5;

type OverridesFn = Arc<dyn Fn(&Overrides) + Send + Sync>;

/// Describes what the tests of a binary run against; returned by the function marked
/// [`#[db_test::session]`](crate::session).
///
/// The database is made from the migrations and seeds once ever, as a *template*; each test has a
/// private clone of it to itself, so tests run in parallel and never wait for each other.
///
/// ```no_run
/// # use axum::{Router, extract::State, routing::get};
/// # use sqlx::{PgPool, postgres::PgPoolOptions};
/// # fn app(pool: PgPool) -> Router { Router::new() }
/// use db_test::Session;
///
/// #[db_test::session]
/// fn session() -> Session {
///     Session::postgres().migrations("migrations").app(|cx| app(cx.pool()))
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
#[must_use = "a session does nothing until it is returned from the function that describes it"]
pub struct Session {
    pub(crate) migrations: Migrations,
    pub(crate) seed_sql: Vec<String>,
    pub(crate) seed: Option<SeedFn>,
    pub(crate) locale: Option<String>,
    #[cfg(feature = "axum")]
    /// The function that makes the application, which `test::app` knows.
    pub(crate) app: Option<Arc<dyn Any + Send + Sync>>,
    overrides: Vec<OverridesFn>,
    timeout: Duration,
    acquire_timeout: Option<Duration>,
    max_connections: Option<u32>,
    flavor: Flavor,
    isolation: Isolation,
    pub(crate) login: Login,
    databases: Vec<database::Named>,
    /// Its name, if it is a further database of another session.
    pub(crate) named: Option<String>,
    /// What a session on SQLite has of its own; none is a session on PostgreSQL.
    #[cfg(feature = "sqlite")]
    pub(crate) sqlite: Option<sqlite::Settings>,
}

impl Session {
    /// A session on PostgreSQL 14 or newer.
    ///
    /// The server is the one that `TEST_DB_URL` or else `DATABASE_URL` names (environment, then
    /// `.env`), and otherwise a private one that is started from the PostgreSQL binaries found on
    /// the machine. Its migrations are those in `migrations/` next to the crate's `Cargo.toml`,
    /// unless [`migrations`](Self::migrations) says otherwise.
    pub fn postgres() -> Self {
        Self {
            migrations: Migrations::default(),
            seed_sql: Vec::new(),
            seed: None,
            locale: None,
            #[cfg(feature = "axum")]
            app: None,
            overrides: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            acquire_timeout: None,
            max_connections: None,
            flavor: Flavor::default(),
            isolation: Isolation::default(),
            login: Login::default(),
            databases: Vec::new(),
            named: None,
            #[cfg(feature = "sqlite")]
            sqlite: None,
        }
    }

    /// A session on SQLite, which is compiled in: nothing has to be installed.
    ///
    /// Each test has a file of its own, a copy of a template that is made once ever, in memory where there is room. It is
    /// written to by real commits, on several connections, with a write-ahead log. Migrations, seeds, fixtures, the application, overrides, `Client`
    /// and `Queries` are as with PostgreSQL; see
    /// [sqlite.md](https://github.com/db-test/db-test/blob/main/docs/sqlite.md).
    ///
    /// ```no_run
    /// # use axum::Router;
    /// # use sqlx::SqlitePool;
    /// # fn app(pool: SqlitePool) -> Router { Router::new() }
    /// use db_test::Session;
    ///
    /// #[db_test::session]
    /// fn session() -> Session {
    ///     Session::sqlite().app(|cx| app(cx.sqlite_pool()))
    /// }
    /// # fn main() {}
    /// ```
    #[cfg(feature = "sqlite")]
    pub fn sqlite() -> Self {
        Self {
            sqlite: Some(sqlite::Settings::default()),
            ..Self::postgres()
        }
    }

    /// [`seed`](Self::seed) for a session on SQLite.
    ///
    /// # Panics
    ///
    /// On a session on PostgreSQL.
    #[cfg(feature = "sqlite")]
    pub fn sqlite_seed<F, Fut, E>(mut self, seed: F) -> Self
    where
        F: Fn(SqlitePool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.settings("sqlite_seed").seed = Some(Arc::new(move |pool| {
            let seeding = seed(pool);
            Box::pin(async { seeding.await.map_err(Into::into) })
        }));
        self
    }

    /// Adapts the options of each connection to SQLite: foreign keys, the busy timeout, extensions, pragmas. Write it as the
    /// application does in production.
    ///
    /// What it is given is sqlx's default (foreign keys are enforced, a busy timeout of 5 s) with a write-ahead log, and without waiting for the disk
    /// (`synchronous = off`). The template is made with these options, too, and anew whenever the test binary has been rebuilt.
    ///
    /// ```no_run
    /// # use db_test::Session;
    /// # use std::time::Duration;
    /// Session::sqlite().sqlite_options(|options| options.busy_timeout(Duration::from_millis(200)))
    /// # ;
    /// ```
    ///
    /// # Panics
    ///
    /// On a session on PostgreSQL.
    #[cfg(feature = "sqlite")]
    pub fn sqlite_options<F>(mut self, adapt: F) -> Self
    where
        F: Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
    {
        self.settings("sqlite_options").connect_options = Some(Arc::new(adapt));
        self
    }

    #[cfg(feature = "sqlite")]
    fn settings(&mut self, method: &str) -> &mut sqlite::Settings {
        self.sqlite.as_mut().unwrap_or_else(|| {
            panic!("`.{method}(…)` is of `Session::sqlite()`, and this is `Session::postgres()`")
        })
    }

    /// What was said that a session on SQLite cannot have.
    #[cfg(feature = "sqlite")]
    pub(crate) fn not_of_sqlite(&self) -> Option<(&'static str, &'static str)> {
        let wrong = "remove it from the session";
        if self.login.role.is_some() {
            return Some(("`.role(…)`", wrong));
        }
        if self.login.superuser {
            return Some(("`.superuser()`", wrong));
        }
        if self.locale.is_some() {
            return Some(("`.locale(…)`", wrong));
        }
        let seed = "write `.sqlite_seed(…)`, which is given a `SqlitePool`";
        self.seed.is_some().then_some(("`.seed(…)`", seed))
    }

    /// How long an `acquire` waits, if the session says.
    #[cfg(feature = "sqlite")]
    pub(crate) fn acquire_limit(&self) -> Option<Duration> {
        self.acquire_timeout
    }

    /// The options of a test's pool.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite_pool_options(&self) -> SqlitePoolOptions {
        self.limited(SqlitePoolOptions::new())
    }

    /// The migrations: `sqlx::migrate!()`, or a directory relative to the crate's `Cargo.toml`.
    ///
    /// They are run once ever. A change of any of them gives a new template.
    pub fn migrations(mut self, migrations: impl Into<Migrations>) -> Self {
        self.migrations = migrations.into();
        self
    }

    /// SQL run once, after the migrations; its rows are there at the start of every test.
    ///
    /// May be called several times; the scripts run in that order.
    pub fn seed_sql(mut self, sql: impl Into<String>) -> Self {
        self.seed_sql.push(sql.into());
        self
    }

    /// A function run once, after the migrations and the [`seed_sql`](Self::seed_sql).
    ///
    /// Code cannot be compared with what ran earlier, so the template is made anew whenever the
    /// test binary has been rebuilt. Its error may be of any type that [`BoxError`] is made from; a closure names
    /// it: `Ok::<_, BoxError>(())`.
    pub fn seed<F, Fut, E>(mut self, seed: F) -> Self
    where
        F: Fn(PgPool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.seed = Some(Arc::new(move |pool| {
            let seeding = seed(pool);
            Box::pin(async { seeding.await.map_err(Into::into) })
        }));
        self
    }

    /// The language by whose rules text is compared and sorted, as a tag: `en-US`, `de`, `en-US-u-kn-true`.
    ///
    /// Use it where the order of text matters and production's database has such a collation. The databases are
    /// made with the rules of ICU, which are the same on every machine with one version of it. Before PostgreSQL 15
    /// the C library's locale of that name is taken, where it has one. They are copied from `template0`, so what
    /// somebody has added to `template1` of a given server is not in them.
    ///
    /// Default: the server's own; the private server sorts by code point (`B` before `a`). The first test fails
    /// where the server does not know the locale, was built without ICU, or the role may not create databases.
    pub fn locale(mut self, tag: impl Into<String>) -> Self {
        self.locale = Some(tag.into());
        self
    }

    /// Runs the tests and the application as a role that the migrations have made, as in production.
    ///
    /// Use it where row-level security or privileges protect rows: whoever owns the tables passes by
    /// policies that are not forced, and by all privileges. The role need not be allowed to log in. It is
    /// what `RESET ROLE`, `RESET ALL` and `DISCARD ALL` return to. Migrations, seeds and fixtures run as
    /// the owner of the database, and so does what follows `SET ROLE NONE` until the connection is released.
    ///
    /// Default: the owner. On the private server that is `db_test`, an ordinary role that may create roles and
    /// databases; on a given server it is the URL's role, which must be allowed to grant this role to itself
    /// or be a member of it.
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.login.role = Some(name.into());
        self
    }

    /// Runs migrations and seeds as the superuser of the private server, and the tests too unless there is a
    /// [`role`](Self::role).
    ///
    /// Use it for schemas that an ordinary role cannot make: extensions that are not trusted, event triggers,
    /// publications of all tables. Superusers pass by every privilege and every policy, so tests of
    /// those need a [`role`](Self::role). On a given server the URL says who one is.
    pub fn superuser(mut self) -> Self {
        self.login.superuser = true;
        self
    }

    /// Overrides that are in force in every test, unless the test sets others.
    pub fn overrides(mut self, set: impl Fn(&Overrides) + Send + Sync + 'static) -> Self {
        self.overrides.push(Arc::new(set));
        self
    }

    /// The time limit of a test whose attribute names none. Default: 60 seconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// How long an `acquire` waits while all connections of a test's pool are held before it fails
    /// with [`sqlx::Error::PoolTimedOut`]. Default: sqlx's, which is 30 seconds, also in
    /// `#[sqlx::test]`.
    pub fn acquire_timeout(mut self, limit: Duration) -> Self {
        self.acquire_timeout = Some(limit);
        self
    }

    /// How many connections a test's pool has at most.
    ///
    /// Default: sqlx's, which is 10; that of `#[sqlx::test]`, which is 5, with [`Isolation::Database`].
    pub fn max_connections(mut self, limit: u32) -> Self {
        self.max_connections = Some(limit);
        self
    }

    /// The runtime of a test whose attribute says no `flavor`. Default: [`Flavor::MultiThread`].
    pub fn flavor(mut self, flavor: Flavor) -> Self {
        self.flavor = flavor;
        self
    }

    /// What keeps a test apart from the others whose attribute says no `isolation`. Default:
    /// [`Isolation::Transaction`].
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    pub(crate) fn runtime_flavor(&self) -> Flavor {
        self.flavor
    }

    pub(crate) fn default_isolation(&self) -> Isolation {
        self.isolation
    }

    pub(crate) fn apply_overrides(&self, overrides: &Overrides) {
        for set in &self.overrides {
            set(overrides);
        }
    }

    pub(crate) fn time_limit(&self) -> Duration {
        self.timeout
    }

    /// The options of a test's pool.
    pub(crate) fn pool_options(&self, isolation: Isolation) -> PgPoolOptions {
        let options = match isolation {
            Isolation::Transaction | Isolation::Memory => PgPoolOptions::new(),
            Isolation::Database => PgPoolOptions::new().max_connections(AS_SQLX_TEST),
        };
        self.limited(options)
    }

    /// What the session says of its pools, of whatever database.
    fn limited<DB: sqlx::Database>(&self, options: PoolOptions<DB>) -> PoolOptions<DB> {
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

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("Session");
        fields.field("migrations", &self.migrations);
        #[cfg(feature = "axum")]
        fields.field("has_app", &self.app.is_some());
        fields.field("timeout", &self.timeout);
        fields.finish_non_exhaustive()
    }
}

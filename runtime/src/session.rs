//! A session: what one test binary declares once about its database, application, overrides and
//! limits.

mod cause;
mod content;
mod database;
mod definition;
mod disagreement;
mod migrations;
mod modes;
mod origin;
mod pools;
mod registry;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_database;
mod start;
mod stated;
pub(crate) mod variables;

#[cfg(feature = "axum")]
use std::any::Any;
use std::{sync::Arc, time::Duration};

#[cfg(feature = "sqlite")]
pub use self::sqlite_database::SqliteDatabase;
pub use self::{
    database::Database,
    migrations::Migrations,
    modes::{Flavor, Isolation},
};
pub(crate) use self::{
    definition::{DatabaseKind, Definition},
    disagreement::compare,
    origin::Origin,
    registry::{any_active, close_all, definition_of, register},
    stated::Stated,
};
use crate::{Overrides, postgres::server::Login, schema::Seed};

/// The time limit of a test whose attribute and session name none.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// A function that describes a session.
pub type SessionFn = fn() -> Session;

type OverridesFn = Arc<dyn Fn(&Overrides) + Send + Sync>;

/// What the tests of one binary run against: database, application, overrides, limits.
///
/// Return it from a function marked [`#[db_test::session]`](macro@crate::session). Without such a
/// function, tests run on PostgreSQL with the crate's `migrations/`, and without an application.
///
/// Migrations and seeds fill a *template* database, only when they change. Each running test has a
/// clone of it to itself, so tests run in parallel and do not wait for each other.
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
#[must_use = "a session does nothing until it is returned from a `#[db_test::session]` function"]
pub struct Session {
    pub(crate) migrations: Migrations,
    pub(crate) seed_sql: Vec<String>,
    pub(crate) seed: Option<Seed<sqlx::PgPool>>,
    pub(crate) locale: Option<String>,
    /// The `app` function, of a type that `test::app` knows.
    #[cfg(feature = "axum")]
    pub(crate) app: Option<Arc<dyn Any + Send + Sync>>,
    overrides: Vec<OverridesFn>,
    timeout: Duration,
    acquire_timeout: Option<Duration>,
    max_connections: Option<u32>,
    flavor: Flavor,
    isolation: Isolation,
    pub(crate) login: Login,
    databases: Vec<database::Named>,
    /// Its name, if it describes a further database of another session.
    pub(crate) named: Option<String>,
    /// The settings of a session on SQLite; none for PostgreSQL.
    #[cfg(feature = "sqlite")]
    pub(crate) sqlite: Option<crate::sqlite::Settings>,
}

impl Session {
    /// A session on PostgreSQL 14 or newer.
    ///
    /// The server is the one that `TEST_DB_URL` names, or else `DATABASE_URL` (from the
    /// environment, then from `.env`). Without either, db-test starts a private server from the
    /// PostgreSQL programs on this machine.
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

    /// Runs the tests and the application as a role that the migrations create, as in production.
    ///
    /// Use it where row-level security or privileges protect rows: they do not restrict the owner
    /// of the tables, unless row-level security is forced. The role need not be allowed to log in.
    /// `RESET ROLE`, `RESET ALL` and `DISCARD ALL` return to it. Migrations, seeds and fixtures run
    /// as the owner of the database, and so do statements after `SET ROLE NONE` until the
    /// connection is released.
    ///
    /// Default: the owner. On the private server that is `db_test`, an ordinary role that may
    /// create roles and databases. On a given server it is the URL's role, which must be a member
    /// of this role, or be allowed to grant it to itself.
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.login.role = Some(name.into());
        self
    }

    /// Runs migrations and seeds as the superuser of the private server; and the tests, unless
    /// there is a [`role`](Self::role).
    ///
    /// Use it for schemas that an ordinary role cannot create: extensions that are not trusted,
    /// event triggers, publications of all tables. Privileges and policies do not restrict
    /// superusers, so tests of those need a [`role`](Self::role). On a given server the URL's role
    /// must be a superuser.
    pub fn superuser(mut self) -> Self {
        self.login.superuser = true;
        self
    }

    /// Overrides that apply to every test, unless it sets others of the same type; see
    /// [`Overrides`].
    ///
    /// ```no_run
    /// # use db_test::Session;
    /// # #[derive(Clone)] struct Clock; impl Clock { fn fixed() -> Self { Self } }
    /// Session::postgres().overrides(|overrides| overrides.set(Clock::fixed()))
    /// # ;
    /// ```
    pub fn overrides(mut self, set: impl Fn(&Overrides) + Send + Sync + 'static) -> Self {
        self.overrides.push(Arc::new(set));
        self
    }

    /// The time limit of a test whose attribute has no `timeout`. Default: 60 seconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// The runtime of a test whose attribute has no `flavor`. Default: [`Flavor::MultiThread`].
    pub fn flavor(mut self, flavor: Flavor) -> Self {
        self.flavor = flavor;
        self
    }

    /// The isolation of a test whose attribute has no `isolation`. Default:
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

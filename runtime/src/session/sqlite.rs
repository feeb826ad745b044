//! The settings of a session on SQLite.

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{Definition, Isolation, Session, cause::Cause};
use crate::{BoxError, Error, schema::Seed, sqlite};

impl Session {
    /// A session on SQLite, which is compiled in: nothing has to be installed.
    ///
    /// Each test has its own file, a copy of a template that is made once. Its connections really
    /// commit, with a write-ahead log. Migrations, seeds, fixtures, the application, overrides,
    /// `Client` and `Queries` work as with PostgreSQL; see
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
    pub fn sqlite() -> Self {
        Self {
            sqlite: Some(sqlite::Settings::default()),
            ..Self::postgres()
        }
    }

    /// A function that fills the template of a session on SQLite, after the migrations and the
    /// [`seed_sql`](Self::seed_sql); like [`seed`](Self::seed).
    ///
    /// # Panics
    ///
    /// On a session on PostgreSQL.
    pub fn sqlite_seed<F, Fut, E>(mut self, seed: F) -> Self
    where
        F: Fn(SqlitePool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.settings("sqlite_seed").seed = Some(Seed::new(seed));
        self
    }

    /// Changes the options of each connection to SQLite: foreign keys, the busy timeout,
    /// extensions, pragmas.
    ///
    /// Use the options of production. The function gets sqlx's defaults (foreign keys are enforced,
    /// a busy timeout of 5 s) with a write-ahead log, and without waiting for the disk
    /// (`synchronous = off`). They apply to the template, too, which is made again whenever the
    /// test binary has been rebuilt.
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
    pub fn sqlite_options<F>(mut self, adapt: F) -> Self
    where
        F: Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
    {
        self.settings("sqlite_options").adapt_options(adapt);
        self
    }

    fn settings(&mut self, method: &str) -> &mut sqlite::Settings {
        self.sqlite.as_mut().unwrap_or_else(|| {
            panic!("`.{method}(…)` needs `Session::sqlite()`, and this is `Session::postgres()`")
        })
    }

    /// Rejects settings, and the isolation of a test's attribute, that only PostgreSQL has.
    pub(crate) fn check_sqlite(&self, isolation: Option<Isolation>) -> Result<(), Error> {
        let wrong = self.not_of_sqlite().or_else(|| {
            let help = "remove the option: each test has its own file, which is removed";
            (isolation == Some(Isolation::Transaction))
                .then_some(("`isolation = \"transaction\"`", help))
        });
        match wrong {
            Some((what, help)) => Err(Error::from(Cause::NotOfSqlite { what, help })),
            None => Ok(()),
        }
    }

    /// A setting that a session on SQLite cannot have, and what to do.
    fn not_of_sqlite(&self) -> Option<(&'static str, &'static str)> {
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
        let seed = "write `.sqlite_seed(…)`, which gets a `SqlitePool`";
        self.seed.is_some().then_some(("`.seed(…)`", seed))
    }

    /// The session's [`acquire_timeout`](Self::acquire_timeout).
    pub(crate) fn acquire_limit(&self) -> Option<Duration> {
        self.acquire_timeout
    }

    /// The options of a test's pool.
    pub(crate) fn sqlite_pool_options(&self) -> SqlitePoolOptions {
        self.limited(SqlitePoolOptions::new())
    }
}

impl Definition {
    /// The template of a session on SQLite, made if it is not there.
    pub(crate) async fn sqlite_template(&self) -> Result<Arc<sqlite::Template>, Error> {
        let start = || async {
            let started = Box::pin(self.start_sqlite()).await.map(Arc::new);
            match started {
                Err(error) if !error.is_permanent() => Err(error),
                result => Ok(result),
            }
        };
        self.sqlite.get_or_try_init(start).await?.clone()
    }

    async fn start_sqlite(&self) -> Result<sqlite::Template, Error> {
        let session = &self.session;
        let content = sqlite::Content {
            migrator: self.migrator().await?,
            migrations_dir: session.migrations.directory(&self.crate_dir),
            seed_sql: session.seed_sql.clone(),
            settings: session.sqlite.clone().unwrap_or_default(),
        };
        sqlite::Template::ready(&self.name, content, files).await
    }
}

/// The directory of all SQLite files of this user: beside the private servers, where it may be in
/// memory.
fn files() -> Result<PathBuf, String> {
    #[cfg(unix)]
    return crate::postgres::server::local::beside("sqlite");
    #[cfg(not(unix))]
    Ok(std::env::temp_dir().join("db-test-sqlite"))
}

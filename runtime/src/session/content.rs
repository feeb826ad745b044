//! The content of a session's template: migrations and seeds.

use std::future::Future;

use sqlx::PgPool;

use super::{Migrations, Session};
use crate::{BoxError, schema::Seed};

impl Session {
    /// The migrations: `sqlx::migrate!()`, or a directory relative to the crate's `Cargo.toml`.
    ///
    /// They run only when they change: db-test then makes a new template. Default: the directory
    /// `migrations`, if there is one.
    ///
    /// ```no_run
    /// # use db_test::Session;
    /// Session::postgres().migrations("../server/migrations")
    /// # ;
    /// ```
    pub fn migrations(mut self, migrations: impl Into<Migrations>) -> Self {
        self.migrations = migrations.into();
        self
    }

    /// SQL that runs after the migrations, when the template is made. Its rows are there at the
    /// start of every test.
    ///
    /// May be called several times; the scripts run in that order.
    ///
    /// ```no_run
    /// # use db_test::Session;
    /// Session::postgres().seed_sql("insert into plans (name) values ('free'), ('gold')")
    /// # ;
    /// ```
    pub fn seed_sql(mut self, sql: impl Into<String>) -> Self {
        self.seed_sql.push(sql.into());
        self
    }

    /// A function that runs after the migrations and the [`seed_sql`](Self::seed_sql), when the
    /// template is made.
    ///
    /// Use it where the rows come from the application's own code; otherwise prefer `seed_sql`.
    /// Code cannot be compared with an earlier version, so the template is made again whenever the
    /// test binary has been rebuilt. Its error may be any type that converts into [`BoxError`]; a
    /// closure names it: `Ok::<_, BoxError>(())`.
    ///
    /// ```no_run
    /// # use db_test::{BoxError, Session};
    /// Session::postgres().seed(|pool| async move {
    ///     sqlx::query("insert into plans (name) values ('free')").execute(&pool).await?;
    ///     Ok::<_, BoxError>(())
    /// })
    /// # ;
    /// ```
    pub fn seed<F, Fut, E>(mut self, seed: F) -> Self
    where
        F: Fn(PgPool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.seed = Some(Seed::new(seed));
        self
    }

    /// The locale by which text is compared and sorted, as a language tag: `en-US`, `de`,
    /// `en-US-u-kn-true`.
    ///
    /// Use it where the order of text matters and production's database has such a collation. The
    /// databases use the rules of ICU, which are the same on every machine with the same version of
    /// it. Before PostgreSQL 15 they use the C library's locale of that name, if there is one. They
    /// are copied from `template0`, so they lack what was added to `template1` of a given server.
    ///
    /// Default: the server's locale; the private server sorts by code point (`B` before `a`). The
    /// first test fails if the server does not know the locale, was built without ICU, or the role
    /// may not create databases.
    pub fn locale(mut self, tag: impl Into<String>) -> Self {
        self.locale = Some(tag.into());
        self
    }

    /// Distinguishes the functions that decide what its templates contain from those of another
    /// session.
    pub(super) fn own_functions(&mut self, session: u64) {
        if let Some(seed) = &mut self.seed {
            seed.code.belong_to(session);
        }
        #[cfg(feature = "sqlite")]
        if let Some(sqlite) = &mut self.sqlite {
            sqlite.belong_to(session);
        }
    }
}

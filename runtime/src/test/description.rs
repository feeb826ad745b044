//! The static description of a test, which generated code makes from the attribute and the
//! signature.

use std::time::Duration;

use sqlx::migrate::Migrator;

use crate::{
    Flavor, Isolation, Overrides,
    database::fixtures::Fixtures,
    observe::queries::Limits,
    session::{Origin, SessionFn, Stated},
};

/// The static description of one test.
#[derive(Debug)]
pub struct Test {
    pub(crate) name: &'static str,
    pub(crate) origin: Origin,
    pub(crate) overrides: Option<fn(&Overrides)>,
    pub(crate) timeout: Option<Duration>,
    /// The session decides if there is none.
    pub(crate) isolation: Option<Isolation>,
    pub(crate) flavor: Option<Flavor>,
    pub(crate) start_paused: bool,
    pub(crate) should_panic: bool,
    pub(crate) fixtures: Fixtures,
    pub(crate) queries: Limits,
}

impl Test {
    /// A test without options; `name` is its path with the crate's name.
    pub const fn new(name: &'static str, crate_dir: &'static str) -> Self {
        Self {
            name,
            origin: Origin::new(crate_dir),
            overrides: None,
            timeout: None,
            isolation: None,
            flavor: None,
            start_paused: false,
            should_panic: false,
            fixtures: Fixtures {
                source: "",
                scripts: &[],
            },
            queries: Limits::NONE,
        }
    }

    /// The crate has a `migrations/` directory at compile time.
    #[must_use]
    pub const fn migrations(mut self) -> Self {
        self.origin.had_migrations = true;
        self
    }

    /// The option `migrations = "…"`.
    #[must_use]
    pub const fn migrations_in(mut self, directory: &'static str) -> Self {
        self.origin.stated = Some(Stated::Directory(directory));
        self
    }

    /// The option `migrations = false`.
    #[must_use]
    pub const fn no_migrations(mut self) -> Self {
        self.origin.stated = Some(Stated::Nothing);
        self
    }

    /// The option `migrator = "…"`.
    #[must_use]
    pub const fn migrator(mut self, migrator: fn() -> &'static Migrator) -> Self {
        self.origin.stated = Some(Stated::Migrator(migrator));
        self
    }

    /// The option `session = path`.
    #[must_use]
    pub const fn session(mut self, session: SessionFn) -> Self {
        self.origin.session = Some(session);
        self
    }

    /// The option `overrides = path`.
    #[must_use]
    pub const fn overrides(mut self, set: fn(&Overrides)) -> Self {
        self.overrides = Some(set);
        self
    }

    /// The option `timeout = "…"`.
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        assert!(
            !limit.is_zero(),
            "a time limit of zero would cancel every test"
        );
        self.timeout = Some(limit);
        self
    }

    /// The option `isolation = "database"`.
    #[must_use]
    pub const fn own_database(mut self) -> Self {
        self.isolation = Some(Isolation::Database);
        self
    }

    /// The option `isolation = "memory"`.
    #[must_use]
    pub const fn in_memory(mut self) -> Self {
        self.isolation = Some(Isolation::Memory);
        self
    }

    /// The option `isolation = "transaction"`.
    #[must_use]
    pub const fn in_transaction(mut self) -> Self {
        self.isolation = Some(Isolation::Transaction);
        self
    }

    /// The option `flavor = "current_thread"`.
    #[must_use]
    pub const fn current_thread(mut self) -> Self {
        self.flavor = Some(Flavor::CurrentThread);
        self
    }

    /// The option `flavor = "multi_thread"`.
    #[must_use]
    pub const fn multi_thread(mut self) -> Self {
        self.flavor = Some(Flavor::MultiThread);
        self
    }

    /// The option `start_paused = true`.
    #[must_use]
    pub const fn start_paused(mut self) -> Self {
        self.start_paused = true;
        self
    }

    /// The options `fixtures(…)`: the source file, and the paths and texts of the scripts.
    #[must_use]
    pub const fn fixtures(
        mut self,
        source: &'static str,
        scripts: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.fixtures = Fixtures { source, scripts };
        self
    }

    /// The option `max_queries = 7`.
    #[must_use]
    pub const fn max_queries(mut self, limit: usize) -> Self {
        self.queries.of_test = Some(limit);
        self
    }

    /// The option `max_queries_per_request = 3`.
    #[must_use]
    pub const fn max_queries_per_request(mut self, limit: usize) -> Self {
        self.queries.of_request = Some(limit);
        self
    }

    /// The attribute `#[should_panic]`: only a panic of the body counts as expected.
    #[must_use]
    pub const fn should_panic(mut self) -> Self {
        self.should_panic = true;
        self
    }
}

//! What generated code names. Not part of the public interface: it may change in any release.

pub use crate::overridable::{Overridable, overridden};

#[cfg(feature = "harness")]
pub(crate) use self::harness::TestFuture;
#[cfg(feature = "harness")]
pub use self::harness::*;

#[cfg(feature = "harness")]
mod harness {
    use std::{future::Future, pin::Pin, time::Duration};

    use std::process::Termination;
    pub use std::{boxed::Box, process::ExitCode};

    pub use ctor;
    use sqlx::migrate::Migrator;

    pub use db_test_macros::db_test;

    pub use crate::{BoxError, FromTest, TestContext};
    use crate::{
        Flavor, Isolation, Overrides, Session,
        executor::short_backtrace::shortened,
        session::Stated,
        test::{
            arguments::{Argument, Arguments},
            fixtures::Fixtures,
            outcome::ArgumentError,
        },
    };

    /// A function that describes a session.
    pub type SessionFn = fn() -> Session;

    /// A test's arguments and body, from first to last.
    pub(crate) type TestFuture = Pin<Box<dyn Future<Output = Result<Reported, ArgumentError>>>>;

    /// What a test returned, as an exit code; an error in it has been printed.
    #[derive(Debug)]
    pub struct Reported(pub(crate) ExitCode);

    /// The static description of one test.
    #[derive(Debug)]
    pub struct Test {
        pub(crate) name: &'static str,
        pub(crate) crate_dir: &'static str,
        pub(crate) had_migrations: bool,
        /// The migrations that the attribute states.
        pub(crate) stated: Option<Stated>,
        pub(crate) session: Option<SessionFn>,
        pub(crate) overrides: Option<fn(&Overrides)>,
        pub(crate) timeout: Option<Duration>,
        /// The session's, if there is none.
        pub(crate) isolation: Option<Isolation>,
        pub(crate) flavor: Option<Flavor>,
        pub(crate) start_paused: bool,
        pub(crate) should_panic: bool,
        pub(crate) fixtures: Fixtures,
        pub(crate) max_queries: Option<usize>,
        pub(crate) max_queries_per_request: Option<usize>,
    }

    impl Test {
        /// A test without options; `name` is its path with the crate's name.
        pub const fn new(name: &'static str, crate_dir: &'static str) -> Self {
            Self {
                name,
                crate_dir,
                had_migrations: false,
                stated: None,
                session: None,
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
                max_queries: None,
                max_queries_per_request: None,
            }
        }

        /// There is a `migrations/` in the crate's directory while the test is compiled.
        #[must_use]
        pub const fn migrations(mut self) -> Self {
            self.had_migrations = true;
            self
        }

        /// The option `migrations = "…"`.
        #[must_use]
        pub const fn migrations_in(mut self, directory: &'static str) -> Self {
            self.stated = Some(Stated::Directory(directory));
            self
        }

        /// The option `migrations = false`.
        #[must_use]
        pub const fn no_migrations(mut self) -> Self {
            self.stated = Some(Stated::Nothing);
            self
        }

        /// The option `migrator = "…"`.
        #[must_use]
        pub const fn migrator(mut self, migrator: fn() -> &'static Migrator) -> Self {
            self.stated = Some(Stated::Migrator(migrator));
            self
        }

        /// The option `session = path`.
        #[must_use]
        pub const fn session(mut self, session: SessionFn) -> Self {
            self.session = Some(session);
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
                "a time limit of zero would stop every test"
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
            self.max_queries = Some(limit);
            self
        }

        /// The option `max_queries_per_request = 3`.
        #[must_use]
        pub const fn max_queries_per_request(mut self, limit: usize) -> Self {
            self.max_queries_per_request = Some(limit);
            self
        }

        /// The test carries `#[should_panic]`: only a panic of its body may end in a panic.
        #[must_use]
        pub const fn should_panic(mut self) -> Self {
            self.should_panic = true;
            self
        }
    }

    /// The test function's own future.
    pub type Body<T> = Pin<Box<dyn Future<Output = T>>>;

    /// Runs a test that returns nothing.
    pub fn run<A: Arguments>(test: &'static Test, arguments: A, body: fn(A::Made) -> Body<()>) {
        // Its failures are panics, so the exit code says nothing more.
        start(test, arguments, move |arguments| reported(body(arguments)));
    }

    /// Runs a test that returns something.
    pub fn run_returning<A: Arguments>(
        test: &'static Test,
        arguments: A,
        body: fn(A::Made) -> Body<Reported>,
    ) -> ExitCode {
        start(test, arguments, body)
    }

    fn start<A: Arguments>(
        test: &'static Test,
        arguments: A,
        body: impl FnOnce(A::Made) -> Body<Reported> + 'static,
    ) -> ExitCode {
        let whole = move |cx| -> TestFuture {
            Box::pin(async move {
                let made = shortened(arguments.make(&cx)).await?;
                Ok(shortened(body(made)).await)
            })
        };
        crate::test::run::run(test, Box::new(whole))
    }

    /// Turns what a test returns into an exit code, printing an error as `main` would.
    pub fn reported<T: Termination + 'static>(body: Body<T>) -> Body<Reported> {
        Box::pin(async { Reported(body.await.report()) })
    }

    /// An argument of a test, and the compiler's complaint about one that no test is given.
    pub const fn argument<T: FromTest>() -> Argument<T> {
        Argument::new()
    }

    /// Registers a function marked `#[db_test::session]`, before `main`.
    pub fn register_session(path: &'static str, make: SessionFn) {
        crate::session::register(path, make);
    }
}

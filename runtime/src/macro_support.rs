//! What generated code names. Not part of the public interface: it may change in any release.

pub use crate::overridable::{Overridable, overridden};

#[cfg(feature = "harness")]
pub(crate) use self::harness::Isolation;
#[cfg(feature = "harness")]
pub use self::harness::*;

#[cfg(feature = "harness")]
mod harness {
    use std::{future::Future, pin::Pin, time::Duration};

    pub use std::process::ExitCode;
    use std::process::Termination;

    pub use ctor;
    use futures_util::{FutureExt, TryFutureExt};

    pub use db_test_macros::db_test;

    pub use crate::{BoxError, FromTest, TestContext};
    use crate::{Overrides, Session, fixtures::Fixtures, outcome::ArgumentError};

    /// A function that describes a session.
    pub type SessionFn = fn() -> Session;

    /// A test's arguments and body, from first to last.
    pub type TestFuture<T> = Pin<Box<dyn Future<Output = Result<T, ArgumentError>>>>;

    /// What a test returned, as an exit code; an error in it has been printed.
    #[derive(Debug)]
    pub struct Reported(pub(crate) ExitCode);

    /// What keeps a test apart from the others.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) enum Isolation {
        Transaction,
        Database,
    }

    /// The static description of one test.
    #[derive(Debug)]
    pub struct Test {
        pub(crate) name: &'static str,
        pub(crate) crate_dir: &'static str,
        pub(crate) session: Option<SessionFn>,
        pub(crate) overrides: Option<fn(&Overrides)>,
        pub(crate) timeout: Option<Duration>,
        pub(crate) isolation: Isolation,
        pub(crate) should_panic: bool,
        pub(crate) fixtures: Fixtures,
    }

    impl Test {
        /// A test without options; `name` is its path with the crate's name.
        pub const fn new(name: &'static str, crate_dir: &'static str) -> Self {
            Self {
                name,
                crate_dir,
                session: None,
                overrides: None,
                timeout: None,
                isolation: Isolation::Transaction,
                should_panic: false,
                fixtures: Fixtures {
                    source: "",
                    scripts: &[],
                },
            }
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
            self.timeout = Some(limit);
            self
        }

        /// The option `isolation = "database"`.
        #[must_use]
        pub const fn own_database(mut self) -> Self {
            self.isolation = Isolation::Database;
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

        /// The test carries `#[should_panic]`: only a panic of its body may end in a panic.
        #[must_use]
        pub const fn should_panic(mut self) -> Self {
            self.should_panic = true;
            self
        }
    }

    /// Runs a test that returns nothing.
    pub fn run(test: &'static Test, body: fn(TestContext) -> TestFuture<()>) {
        // Its failures are panics, so the exit code says nothing more.
        crate::harness::run(test, |cx| {
            body(cx)
                .map_ok(|()| Reported(ExitCode::SUCCESS))
                .boxed_local()
        });
    }

    /// Runs a test that returns something.
    pub fn run_returning(
        test: &'static Test,
        body: fn(TestContext) -> TestFuture<Reported>,
    ) -> ExitCode {
        crate::harness::run(test, body)
    }

    /// Turns what a test returned into an exit code, printing an error as `main` would.
    pub fn report(returned: impl Termination) -> Reported {
        Reported(returned.report())
    }

    /// Registers a function marked `#[db_test::session]`, before `main`.
    pub fn register_session(path: &'static str, make: SessionFn) {
        crate::session::register(path, make);
    }

    /// Holds the compiler's complaint about an argument that no test is given.
    pub fn injectable<T: FromTest>() {}
}

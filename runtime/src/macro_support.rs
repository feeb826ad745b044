//! The interface of generated code. Not part of the public interface: it may change in any release.

pub use crate::overridable::{Overridable, overridden};

#[cfg(feature = "harness")]
pub use self::harness::*;

#[cfg(feature = "harness")]
mod harness {
    use std::{future::Future, pin::Pin};

    use std::process::Termination;
    pub use std::{boxed::Box, process::ExitCode};

    pub use ctor;

    pub use db_test_macros::db_test;

    pub use crate::{
        BoxError, FromTest, TestContext,
        session::SessionFn,
        test::{description::Test, outcome::Reported},
    };
    use crate::{
        executor::short_backtrace::shortened,
        test::{
            arguments::{Argument, Arguments},
            outcome::TestFuture,
        },
    };

    /// The test function's own future.
    pub type Body<T> = Pin<Box<dyn Future<Output = T>>>;

    /// Runs a test that returns nothing.
    pub fn run<A: Arguments>(test: &'static Test, arguments: A, body: fn(A::Made) -> Body<()>) {
        // Its failures are panics: the exit code adds nothing.
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
        let kind = crate::session::DatabaseKind::of(arguments.is_sqlite());
        let whole = move |cx| -> TestFuture {
            Box::pin(async move {
                let made = shortened(arguments.make(&cx)).await?;
                Ok(shortened(body(made)).await)
            })
        };
        crate::test::run::run(test, kind, Box::new(whole))
    }

    /// Converts the return value of a test into an exit code, and prints an error as `main` would.
    pub fn reported<T: Termination + 'static>(body: Body<T>) -> Body<Reported> {
        Box::pin(async { Reported(body.await.report()) })
    }

    /// An argument of a test; the compiler rejects a type that does not implement [`FromTest`].
    pub const fn argument<T: FromTest>() -> Argument<T> {
        Argument::new()
    }

    /// Registers a function marked `#[db_test::session]`, before `main`.
    pub fn register_session(path: &'static str, make: SessionFn) {
        crate::session::register(path, make);
    }
}

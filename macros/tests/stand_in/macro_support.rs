//! Stands in for `db_test::macro_support`, so that these tests need neither the runtime nor a
//! database.
//!
//! A test crate that says `extern crate self as db_test;` and has this as its `macro_support` is
//! what the expansions call.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::absolute_paths,
    clippy::nursery,
    clippy::pedantic,
    reason = "the expansions are what these crates look at"
)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::process::Termination;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub use std::boxed::Box;
pub use std::process::ExitCode;

pub use ctor;
pub use db_test_macros::db_test;
use http::request::Parts;

/// The names under which session functions were registered.
pub static REGISTERED: Mutex<Vec<&str>> = Mutex::new(Vec::new());

pub type Body<T> = Pin<Box<dyn Future<Output = T>>>;

#[derive(Clone, Copy, Debug)]
pub struct Test {
    pub name: &'static str,
    pub crate_dir: &'static str,
    pub session: Option<fn() -> Session>,
    pub overrides: Option<fn(&Overrides)>,
    pub timeout: Option<Duration>,
    pub should_panic: bool,
    pub own_database: bool,
    pub current_thread: bool,
    pub start_paused: bool,
    pub max_queries: Option<usize>,
    pub max_queries_per_request: Option<usize>,
    pub fixtures: &'static [(&'static str, &'static str)],
}

#[derive(Debug)]
pub struct Overrides;

#[derive(Debug)]
pub struct Session;

/// What a test may take; its context is the one thing that this stand-in injects by itself.
#[derive(Clone, Copy, Debug)]
pub struct TestContext {
    pub test: &'static Test,
}

pub trait FromTest: Sized {
    fn from_test(cx: &TestContext) -> Self;
}

impl FromTest for TestContext {
    fn from_test(cx: &TestContext) -> Self {
        *cx
    }
}

/// How an argument of type `T` is made.
#[derive(Debug)]
pub struct Argument<T>(fn(&TestContext) -> T);

pub const fn argument<T: FromTest>() -> Argument<T> {
    Argument(T::from_test)
}

pub trait Arguments {
    type Made;

    fn make(self, cx: &TestContext) -> Self::Made;
}

impl Arguments for () {
    type Made = ();

    fn make(self, _: &TestContext) {}
}

macro_rules! tuple {
    ($($name:ident)+) => {
        #[allow(non_snake_case)]
        impl<$($name),+> Arguments for ($(Argument<$name>,)+) {
            type Made = ($($name,)+);

            fn make(self, cx: &TestContext) -> Self::Made {
                let ($($name,)+) = self;
                ($($name.0(cx),)+)
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);

impl Test {
    pub const fn new(name: &'static str, crate_dir: &'static str) -> Self {
        Self {
            name,
            crate_dir,
            session: None,
            overrides: None,
            timeout: None,
            should_panic: false,
            own_database: false,
            current_thread: false,
            start_paused: false,
            max_queries: None,
            max_queries_per_request: None,
            fixtures: &[],
        }
    }

    pub const fn migrations_in(self, _: &'static str) -> Self {
        self
    }

    pub const fn no_migrations(self) -> Self {
        self
    }

    pub const fn migrator<T: 'static>(self, _: fn() -> &'static T) -> Self {
        self
    }

    pub const fn in_transaction(self) -> Self {
        Self {
            own_database: false,
            ..self
        }
    }

    pub const fn current_thread(self) -> Self {
        Self {
            current_thread: true,
            ..self
        }
    }

    pub const fn multi_thread(self) -> Self {
        self
    }

    pub const fn start_paused(self) -> Self {
        Self {
            start_paused: true,
            ..self
        }
    }

    pub const fn migrations(self) -> Self {
        self
    }

    pub const fn session(self, session: fn() -> Session) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    pub const fn overrides(self, overrides: fn(&Overrides)) -> Self {
        Self {
            overrides: Some(overrides),
            ..self
        }
    }

    pub const fn timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    pub const fn own_database(self) -> Self {
        Self {
            own_database: true,
            ..self
        }
    }

    pub const fn max_queries(self, limit: usize) -> Self {
        Self {
            max_queries: Some(limit),
            ..self
        }
    }

    pub const fn max_queries_per_request(self, limit: usize) -> Self {
        Self {
            max_queries_per_request: Some(limit),
            ..self
        }
    }

    pub const fn fixtures(
        self,
        _source: &'static str,
        fixtures: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { fixtures, ..self }
    }

    pub const fn should_panic(self) -> Self {
        Self {
            should_panic: true,
            ..self
        }
    }
}

pub fn run<A: Arguments>(test: &'static Test, arguments: A, body: fn(A::Made) -> Body<()>) {
    block_on(body(arguments.make(&TestContext { test })));
}

pub fn run_returning<A: Arguments>(
    test: &'static Test,
    arguments: A,
    body: fn(A::Made) -> Body<ExitCode>,
) -> ExitCode {
    block_on(body(arguments.make(&TestContext { test })))
}

pub fn reported<T: Termination + 'static>(body: Body<T>) -> Body<ExitCode> {
    Box::pin(async { body.await.report() })
}

pub fn register_session(name: &'static str, _session: fn() -> Session) {
    let mut registered = REGISTERED.lock().expect("nothing panics with the lock");
    registered.push(name);
}

pub trait Overridable: Clone + Send + Sync + 'static {
    type Rejection;
}

pub fn overridden<T: Overridable>(
    parts: &mut Parts,
) -> impl Future<Output = Option<Result<T, T::Rejection>>> + Send + use<T> {
    let set = parts.extensions.get::<T>().cloned();
    async move { set.map(Ok) }
}

/// Nothing that these tests await is ever pending.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

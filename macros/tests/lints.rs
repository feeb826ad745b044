//! Generated code is silent under strict lints: that this crate compiles is the test.
//!
//! `cargo test` checks the compiler's lints here, `cargo clippy --all-targets` those of clippy.

#![deny(
    warnings,
    elided_lifetimes_in_paths,
    let_underscore_drop,
    missing_docs,
    single_use_lifetimes,
    trivial_casts,
    unreachable_pub,
    unsafe_code,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    clippy::absolute_paths,
    clippy::as_conversions,
    clippy::nursery,
    clippy::pedantic,
    clippy::question_mark_used,
    clippy::unwrap_used
)]

extern crate self as db_test;

#[path = "stand_in/macro_support.rs"]
pub mod macro_support;

use std::convert::Infallible;
use std::future::{Future, ready};
use std::process::{ExitCode, Termination};

use db_test_macros::{db_test, overridable, session};
use http::request::{Parts, Request};

use macro_support::{Overrides, Session, TestContext, block_on};

trait FromRequestParts<S>: Sized {
    type Rejection;

    fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

#[derive(Clone, Debug, PartialEq)]
struct CurrentUser(&'static str);

#[overridable]
impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        use http::Method;

        let name = if parts.method == Method::GET {
            "ada"
        } else {
            "grace"
        };
        ready(Ok(Self(name))).await
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Unread<T>(T);

#[overridable]
impl<S, T> FromRequestParts<S> for Unread<T>
where
    S: Send + Sync,
    T: Clone + Default + Send + Sync + 'static,
{
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        ready(Ok(Self(T::default()))).await
    }
}

#[session]
const fn session() -> Session {
    Session
}

const fn overrides(_: &Overrides) {}

#[db_test]
async fn a_test_without_arguments() {}

#[db_test]
async fn a_test_with_arguments(first: TestContext, mut second: TestContext) {
    assert_eq!(first.test.name, second.test.name);
    second.clone_from(&first);
}

#[db_test(timeout = "5s", overrides = overrides, session = session)]
async fn a_test_with_options(_: TestContext) {}

macro_rules! a_test_with_a_fragment {
    ($name:ident, $limit:expr) => {
        #[db_test(max_queries = $limit, max_queries_per_request = $limit * 2)]
        async fn $name(_: TestContext) {}
    };
}

a_test_with_a_fragment!(a_test_that_a_macro_writes, 1 + 2);

#[db_test]
async fn a_test_that_returns_a_result(cx: TestContext) -> Result<(), String> {
    let _ = cx;
    ready(Ok(())).await
}

#[db_test]
async fn a_test_that_returns_something_opaque() -> impl Termination {
    ready(ExitCode::SUCCESS).await
}

#[test]
fn an_extractor_prefers_the_set_value() {
    let (mut parts, ()) = Request::new(()).into_parts();
    let found = block_on(CurrentUser::from_request_parts(&mut parts, &()));
    assert_eq!(found, Ok(CurrentUser("ada")));

    let _ = parts.extensions.insert(CurrentUser("set"));
    let found = block_on(CurrentUser::from_request_parts(&mut parts, &()));
    assert_eq!(found, Ok(CurrentUser("set")));
}

#[test]
fn a_generic_extractor_prefers_the_set_value() {
    let (mut parts, ()) = Request::new(()).into_parts();
    let found = block_on(Unread::<u8>::from_request_parts(&mut parts, &()));
    assert_eq!(found, Ok(Unread(0)));

    let _ = parts.extensions.insert(Unread(7_u8));
    let found = block_on(Unread::<u8>::from_request_parts(&mut parts, &()));
    assert_eq!(found, Ok(Unread(7)));
}

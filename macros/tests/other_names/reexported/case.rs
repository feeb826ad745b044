//! Only a re-export of the crate is there, at a path that each attribute names.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use support::db_test::{BoxError, FromTest, Session, TestContext, db_test, overridable};
use rstest::rstest;

#[support::db_test::session(crate = support::db_test)]
fn session() -> Session {
    Session::postgres()
}

struct Name(String);

impl FromTest for Name {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(Self(cx.name().into()))
    }
}

#[derive(FromTest)]
#[from_test(crate = support::db_test)]
struct Derived {
    name: Name,
}

#[derive(Clone)]
struct CurrentUser;

#[overridable(crate = support::db_test)]
impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

#[db_test(crate = support::db_test)]
async fn takes_arguments(derived: Derived) {
    assert!(!derived.name.0.is_empty());
}

#[db_test(timeout = "5s", crate = support::db_test)]
async fn returns() -> Result<(), BoxError> {
    Ok(())
}

#[db_test(crate = support::db_test)]
#[rstest]
#[case(1)]
async fn has_cases(#[case] number: u8, name: Name) {
    assert!(number > 0 && !name.0.is_empty());
}

/// What a workspace has in a crate of its own.
mod support {
    pub(crate) use ::harness as db_test;
}

macro_rules! a_test_of_a_macro {
    ($path:path) => {
        #[db_test(crate = $path)]
        async fn written_by_a_macro(_: Name) {}
    };
}

a_test_of_a_macro!(support::db_test);

macro_rules! a_test_by_the_crate_of_a_macro {
    () => {
        #[db_test(crate = $crate::support::db_test)]
        async fn written_by_the_macro_of_a_crate(_: Name) {}
    };
}

a_test_by_the_crate_of_a_macro!();

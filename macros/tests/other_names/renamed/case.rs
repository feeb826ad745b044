//! The dependency has another name in `Cargo.toml`, and the crate has no `std`.

#![no_std]

extern crate alloc;

use alloc::string::String;
use core::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use harness::{BoxError, FromTest, Session, TestContext, db_test, overridable};
use rstest::rstest;

#[harness::session]
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
struct Derived {
    name: Name,
}

#[derive(Clone)]
struct CurrentUser;

#[overridable]
impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

#[db_test]
async fn takes_arguments(derived: Derived) {
    assert!(!derived.name.0.is_empty());
}

#[db_test(timeout = "5s")]
async fn returns() -> Result<(), BoxError> {
    Ok(())
}

#[db_test]
#[rstest]
#[case(1)]
async fn has_cases(#[case] number: u8, name: Name) {
    assert!(number > 0 && !name.0.is_empty());
}

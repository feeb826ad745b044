//! An extractor that a test can replace.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};

#[derive(Clone)]
pub(crate) struct CurrentUser(pub(crate) String);

#[db_test::overridable]
impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        let header = parts
            .headers
            .get("x-user")
            .ok_or(StatusCode::UNAUTHORIZED)?;
        let name = header.to_str().map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(Self(name.to_owned()))
    }
}

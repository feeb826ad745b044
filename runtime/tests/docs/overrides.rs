//! The README's example of overrides.

use axum::{
    Router, extract::FromRequestParts, http::StatusCode, http::request::Parts, routing::get,
};
use db_test::{Client, OverrideRequest, Overrides, Session, db_test};

#[derive(Clone)]
struct CurrentUser(String);

// In the application: one line above the extractor.
#[db_test::overridable]
impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        let header = parts
            .headers
            .get("authorization")
            .ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(Self(
            header
                .to_str()
                .map_err(|_| StatusCode::UNAUTHORIZED)?
                .to_owned(),
        ))
    }
}

fn app() -> Router {
    Router::new().route("/me", get(|CurrentUser(name): CurrentUser| async { name }))
}

#[db_test::session]
fn session() -> Session {
    Session::postgres().app(|_| app())
}

fn signed_in(overrides: &Overrides) {
    overrides.set(CurrentUser("ada".to_owned()));
}

#[db_test(overrides = signed_in)]
async fn a_signed_in_user_sees_herself(client: Client) {
    client.get("/me").await.assert_text("ada");
}

#[db_test]
async fn nobody_is_signed_in_by_default(client: Client, overrides: Overrides) {
    client
        .get("/me")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
    overrides.set(CurrentUser("grace".to_owned()));
    client.get("/me").await.assert_text("grace");

    let edsger = CurrentUser("edsger".to_owned());
    let response = client.get("/me").overriding(|o| o.set(edsger)).await;
    response.assert_text("edsger");
}

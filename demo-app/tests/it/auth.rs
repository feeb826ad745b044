//! Signing in and out for real, without the session's override.

use axum::http::StatusCode;
use db_test::{Client, db_test};
use serde_json::json;
use sqlx::PgPool;

use crate::ada::Ada;

#[db_test(overrides = crate::signed_out)]
async fn a_request_without_a_token_is_unauthorized(client: Client) {
    let response = client.get("/users/me").await;
    response.assert_status(StatusCode::UNAUTHORIZED);
    response.assert_header("www-authenticate", "Bearer");
}

#[db_test(overrides = crate::signed_out)]
async fn an_unknown_token_is_unauthorized(client: Client) {
    let response = client
        .get("/users/me")
        .authorization_bearer("made-up")
        .await;
    response.assert_status(StatusCode::UNAUTHORIZED);
}

#[db_test]
async fn a_mailed_token_signs_in(ada: Ada) {
    let response = ada.client.get("/users/me").await;
    response.assert_status_ok();
    response.assert_json_contains(&json!({ "name": "Ada" }));
}

#[db_test]
async fn only_a_hash_of_the_token_is_stored(ada: Ada, db: PgPool) -> sqlx::Result<()> {
    let expected: bool = sqlx::query_scalar("select hash = sha256($1::bytea) from tokens")
        .bind(ada.token.as_bytes())
        .fetch_one(&db)
        .await?;
    assert!(expected);
    Ok(())
}

#[db_test]
async fn signing_out_ends_the_token(ada: Ada) {
    ada.client
        .delete("/tokens")
        .await
        .assert_status(StatusCode::NO_CONTENT);
    ada.client
        .get("/users/me")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
}

#[db_test]
async fn an_expired_token_is_unauthorized(ada: Ada, db: PgPool) -> sqlx::Result<()> {
    sqlx::query("update tokens set expires_at = now()")
        .execute(&db)
        .await?;
    ada.client
        .get("/users/me")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
    Ok(())
}

#[db_test]
async fn an_unknown_address_gets_no_token(client: Client) {
    let nobody = json!({ "email": "nobody@example.com" });
    client
        .post("/tokens")
        .json(&nobody)
        .await
        .assert_status(StatusCode::NOT_FOUND);
}

//! Tests that fail after they have sent requests.

use axum::http::StatusCode;
use db_test::{Client, db_test};
use sqlx::PgPool;

use crate::{app::names, child::asked_to_fail};

#[db_test]
async fn requesting_and_failing(client: Client, pool: PgPool) {
    client.get("/greeting?access_token=sesame").await;
    client
        .post("/items/two")
        .await
        .assert_status(StatusCode::CREATED);
    names(&pool).await;
    client
        .post("/items")
        .json(&"mine")
        .await
        .assert_status(StatusCode::CREATED);
    client.get("/items/one-by-one").await.assert_status_ok();
    let again = client.post("/items").json(&"mine").await;
    assert!(!asked_to_fail(), "{}", again.status_code());
}

#[db_test(max_queries = 2)]
async fn chatty_test(pool: PgPool) {
    names(&pool).await;
    names(&pool).await;
    if asked_to_fail() {
        names(&pool).await;
    }
}

#[db_test(max_queries = 9, max_queries_per_request = 1)]
async fn chatty_request(client: Client) {
    client.get("/items").await.assert_status_ok();
    client.get("/items").await.assert_status_ok();
    if asked_to_fail() {
        client.get("/items/twice").await.assert_status_ok();
    }
}

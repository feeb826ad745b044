//! Tests that fail after they have sent requests.

use axum::http::StatusCode;
use child::in_child;
use db_test::{Client, db_test};
use sqlx::PgPool;

use crate::app::names;

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
    assert!(!in_child(), "{}", again.status_code());
}

/// Sends secrets, and what would steer a terminal, to the server, which quotes the last in an
/// error.
#[db_test]
async fn confiding(pool: PgPool) {
    let find = "select 1 where $1 = 'x' and current_setting('app.api_key', true) = $2";
    for value in ["\x1b[2Jred", "plain"] {
        let found = sqlx::query(find).bind(value).bind("sesame");
        found.execute(&pool).await.expect("it is sent");
    }
    let bad = sqlx::query("select ($1::text)::int").bind("\x1b]0;title\x07\r");
    bad.execute(&pool).await.expect_err("it is no number");
    assert!(!in_child(), "failing on request");
}

#[db_test(max_queries = 2)]
async fn chatty_test(pool: PgPool) {
    names(&pool).await;
    names(&pool).await;
    if in_child() {
        names(&pool).await;
    }
}

#[db_test(max_queries = 9, max_queries_per_request = 1)]
async fn chatty_request(client: Client) {
    client.get("/items").await.assert_status_ok();
    client.get("/items").await.assert_status_ok();
    if in_child() {
        client.get("/items/twice").await.assert_status_ok();
    }
}

//! What a test may take, and how requests reach the application: without a port.

use axum::{Router, body::Body, http::Request};
use db_test::{Client, TestContext, db_test};
use serde_json::json;
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use tower::ServiceExt as _;

#[cfg(target_os = "linux")]
use crate::listening;

#[db_test]
async fn a_test_may_take_nothing() {
    assert_eq!(1 + 1, 2);
}

#[db_test]
async fn a_test_may_take_the_bare_router(app: Router) -> Result<(), Box<dyn std::error::Error>> {
    let response = app
        .oneshot(Request::get("/users/me").body(Body::empty())?)
        .await?;
    assert_eq!(response.status(), 200);
    Ok(())
}

#[db_test]
async fn a_test_may_take_a_connection(mut db: PoolConnection<Postgres>) -> sqlx::Result<()> {
    let users: i64 = sqlx::query_scalar("select count(*) from users")
        .fetch_one(&mut *db)
        .await?;
    assert_eq!(users, 1, "the one of the seed");
    Ok(())
}

#[db_test]
async fn a_test_knows_its_name(cx: TestContext) {
    assert_eq!(cx.name(), "it::client::a_test_knows_its_name");
}

#[db_test]
async fn client_and_pool_see_the_same_data(client: Client, db: PgPool) -> sqlx::Result<()> {
    sqlx::query("update users set name = 'From the pool'")
        .execute(&db)
        .await?;
    client
        .post("/events")
        .json(&json!({ "name": "From the client", "seats": 1 }))
        .await;
    let names: Vec<String> =
        sqlx::query_scalar("select name from users union all select name from events")
            .fetch_all(&db)
            .await?;
    assert_eq!(names, ["From the pool", "From the client"]);
    Ok(())
}

#[cfg(target_os = "linux")]
#[db_test]
async fn no_listening_socket_of_the_process_serves_http(client: Client) {
    client.get("/users/me").await.assert_status_ok();
    assert_eq!(listening::http_servers(), []);
    // A server that there is would have been found.
    let server = listening::serve_http_once();
    assert_eq!(listening::http_servers(), [server]);
}

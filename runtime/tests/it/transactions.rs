//! `begin`, `commit`, `rollback` and drop, as handlers use them.

use axum::http::StatusCode;
use db_test::{Client, db_test};
use sqlx::PgPool;

use crate::app::names;

async fn insert(connection: &mut sqlx::PgConnection, name: &str) {
    let insert = sqlx::query("insert into items (name) values ($1)").bind(name);
    insert.execute(connection).await.expect("it is inserted");
}

#[db_test]
async fn a_handler_commits_and_the_next_request_sees_it(client: Client) {
    client
        .post("/items")
        .json(&"new")
        .await
        .assert_status(StatusCode::CREATED);
    client
        .post("/items")
        .json(&"new")
        .await
        .assert_status(StatusCode::CONFLICT);
    client
        .get("/items")
        .await
        .assert_json(&["seeded", "new"].map(String::from));
}

#[db_test]
async fn a_rolled_back_transaction_is_undone(pool: PgPool) {
    let mut tx = pool.begin().await.expect("it begins");
    insert(&mut tx, "undone").await;
    tx.rollback().await.expect("it rolls back");
    assert_eq!(names(&pool).await, ["seeded"]);
}

#[db_test]
async fn a_dropped_transaction_is_undone(pool: PgPool) {
    let mut tx = pool.begin().await.expect("it begins");
    insert(&mut tx, "undone").await;
    drop(tx);
    assert_eq!(names(&pool).await, ["seeded"]);
}

#[db_test]
async fn a_released_connection_keeps_what_it_wrote(pool: PgPool) {
    let mut connection = pool.acquire().await.expect("it is free");
    insert(&mut connection, "kept").await;
    drop(connection);
    assert_eq!(names(&pool).await, ["seeded", "kept"]);
}

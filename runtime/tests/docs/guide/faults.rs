//! A database that fails where production's does one day.

use std::time::Duration;

use axum::http::StatusCode;
use db_test::{Client, Faults, Queries, db_test};
use sqlx::PgPool;

/// Whether a transaction failed only because of another one, so that it can be tried again.
fn is_conflict(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let code = error.and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// Adds a user, in at most three attempts.
async fn add_user(pool: &PgPool, email: &str) -> sqlx::Result<()> {
    let mut attempt = 1;
    loop {
        match try_to_add_user(pool, email).await {
            Err(error) if is_conflict(&error) && attempt < 3 => attempt += 1,
            result => return result,
        }
    }
}

async fn try_to_add_user(pool: &PgPool, email: &str) -> sqlx::Result<()> {
    let mut tx = pool
        .begin_with("begin isolation level serializable")
        .await?;
    sqlx::query("insert into users (email, role) values ($1, 'reader')")
        .bind(email)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

#[db_test]
async fn a_conflict_is_tried_again(pool: PgPool, faults: Faults, queries: Queries) {
    faults.on_commit().fail_with("40001");
    faults.on("insert into users%").fail_with("40P01");
    add_user(&pool, "ada@example.com").await.expect("works");
    assert_eq!(queries.matching("insert into users").len(), 3);
}

#[db_test]
async fn not_for_ever(pool: PgPool, faults: Faults) {
    let conflicts = faults.on_commit().fail_with("40001").times(3);
    add_user(&pool, "ada@example.com").await.expect_err("fails");
    assert_eq!(conflicts.hits(), 3);
}

#[db_test]
async fn what_is_no_conflict_is_not_tried_again(pool: PgPool, faults: Faults) {
    faults.on("insert into users%").fail_with("53100");
    add_user(&pool, "ada@example.com").await.expect_err("fails");
}

#[db_test]
async fn a_list_that_cannot_be_read_is_an_error_page(client: Client, faults: Faults) {
    faults.on("select title from posts%").fail_with("57014");
    let response = client.get("/posts").await;
    response.assert_status(StatusCode::INTERNAL_SERVER_ERROR);
    client.get("/posts").await.assert_status_ok();
}

#[db_test]
async fn a_slow_query_runs_into_the_time_limit(pool: PgPool, faults: Faults) {
    faults.on("select count%").delay(Duration::from_secs(1));
    let count = sqlx::query("select count(*) from posts").execute(&pool);
    let limited = tokio::time::timeout(Duration::from_millis(20), count);
    limited.await.expect_err("fails");
}

#[db_test]
async fn a_lost_connection_is_replaced(pool: PgPool, faults: Faults) {
    faults.on("select count%").disconnect();
    let count = "select count(*) from posts";
    sqlx::query(count).execute(&pool).await.expect_err("fails");
    sqlx::query(count).execute(&pool).await.expect("works");
}

//! Statements on the pool behave as in production, where each commits on its own.

use db_test::db_test;
use futures_util::FutureExt;
use sqlx::{Acquire, Connection, PgPool};

use crate::app::{names, try_add};

#[db_test]
async fn a_failed_statement_leaves_nothing_behind(pool: PgPool) {
    try_add(&pool, "seeded")
        .await
        .expect_err("the name is taken");
    try_add(&pool, "next").await.expect("the pool still works");
    assert_eq!(names(&pool).await, ["seeded", "next"]);
}

#[db_test]
async fn a_failed_statement_keeps_what_came_before(pool: PgPool) {
    try_add(&pool, "first").await.expect("it is added");
    sqlx::query("select 1 / 0")
        .execute(&pool)
        .await
        .expect_err("nothing can be divided by zero");
    assert_eq!(names(&pool).await, ["seeded", "first"]);
}

#[db_test]
async fn a_cancelled_begin_loses_nothing(pool: PgPool) {
    for round in 0..50 {
        try_add(&pool, &format!("item {round}"))
            .await
            .expect("it is added");
        let cancelled =
            tokio::time::timeout(std::time::Duration::from_micros(round * 5), pool.begin());
        drop(cancelled.await);
    }
    assert_eq!(names(&pool).await.len(), 51);
}

#[db_test]
async fn two_cancelled_begins_on_one_connection_lose_nothing(pool: PgPool) {
    try_add(&pool, "before").await.expect("it is added");
    let mut connection = pool.acquire().await.expect("it is free");
    for _ in 0..2 {
        drop(connection.begin().now_or_never());
    }
    drop(connection);
    assert_eq!(names(&pool).await, ["seeded", "before"]);
}

#[db_test]
async fn a_transaction_begins_with_the_isolation_level_it_asks_for(pool: PgPool) {
    let tx = pool.begin_with("begin isolation level serializable").await;
    let mut tx = tx.expect("it begins");
    let level: String = sqlx::query_scalar("show transaction_isolation")
        .fetch_one(&mut *tx)
        .await
        .expect("it is shown");
    assert_eq!(level, "serializable");
    tx.commit().await.expect("it commits");
}

#[db_test]
async fn a_nested_transaction_rolls_back_alone(pool: PgPool) {
    let mut outer = pool.begin().await.expect("it begins");
    sqlx::query("insert into items (name) values ('outer')")
        .execute(&mut *outer)
        .await
        .expect("inserted");
    let mut inner = outer.begin().await.expect("it nests");
    sqlx::query("insert into items (name) values ('inner')")
        .execute(&mut *inner)
        .await
        .expect("inserted");
    inner.rollback().await.expect("it rolls back");
    outer.commit().await.expect("it commits");
    assert_eq!(names(&pool).await, ["seeded", "outer"]);
}

#[db_test]
async fn a_connection_is_usable_after_an_error_in_its_transaction(pool: PgPool) {
    let mut connection = pool.acquire().await.expect("it is free");
    let mut tx = Connection::begin(&mut *connection)
        .await
        .expect("it begins");
    sqlx::query("select 1 / 0")
        .execute(&mut *tx)
        .await
        .expect_err("nothing can be divided by zero");
    tx.rollback().await.expect("it rolls back");
    let one: i32 = sqlx::query_scalar("select 1")
        .fetch_one(&mut *connection)
        .await
        .expect("it works");
    assert_eq!(one, 1);
}

//! Tests that misbehave when they are asked to, which is by being run as a [`child`](crate::child).

use std::time::Duration;

use child::in_child;
use db_test::{Client, Faults, Session, TestContext, db_test};
use sqlx::{PgPool, SqlitePool};

use crate::{add, beside, names};

#[db_test(max_queries = 2)]
async fn sending_three_queries(pool: SqlitePool) {
    let count = if in_child() { 3 } else { 2 };
    for _ in 0..count {
        names(&pool).await;
    }
}

#[db_test(max_queries_per_request = 0)]
async fn requesting(client: Client) {
    if in_child() {
        client.get("/users").await.assert_status_ok();
    }
}

#[db_test]
async fn failing_after_requests(client: Client) {
    client
        .post("/users/ada")
        .await
        .assert_status(http::StatusCode::CREATED);
    client
        .post("/users/seeded")
        .await
        .assert_status(http::StatusCode::CONFLICT);
    assert!(!in_child(), "failing as asked");
}

#[db_test]
async fn failing_with_rows(pool: SqlitePool) {
    add(&pool, "committed").await.expect("it is added");
    let mut open = pool.begin().await.expect("it begins");
    let rolled_back = sqlx::query("insert into users (name) values ('rolled back')");
    rolled_back.execute(&mut *open).await.expect("it is added");
    assert!(!in_child(), "failing as asked");
}

#[db_test]
async fn failing_with_parameters(pool: SqlitePool) {
    let shown = sqlx::query("select ?2, ?3, ?4, 'literal' where ?1 is not null");
    let shown = shown.bind(7).bind("it's").bind(0.5);
    let shown = shown.bind(vec![1_u8, 255]);
    shown.fetch_all(&pool).await.expect("they are read");
    let session =
        "with session (id, token) as (select ?, ?) select 1 from session where token = ?2";
    let secret = sqlx::query(session).bind(1).bind("open sesame");
    secret.fetch_all(&pool).await.expect("they are read");
    assert!(!in_child(), "failing as asked");
}

#[db_test(session = beside::session)]
async fn failing_in_both(cx: TestContext, pool: PgPool) {
    beside::add(&pool, "first").await.expect("it is added");
    let cached = beside::put(&cx.sqlite_pool_of("cache"), "/first").await;
    cached.expect("it is added");
    assert!(!in_child(), "failing as asked");
}

/// Keeps its one connection in a transaction until it fails.
#[db_test(isolation = "memory")]
async fn failing_in_memory(pool: SqlitePool) {
    add(&pool, "committed").await.expect("it is added");
    let mut open = pool.begin().await.expect("it begins");
    let rolled_back = sqlx::query("insert into users (name) values ('rolled back')");
    rolled_back.execute(&mut *open).await.expect("it is added");
    assert!(!in_child(), "failing as asked");
}

#[db_test(isolation = "memory", session = memory_or_file)]
async fn in_memory_on_postgres() {}

fn memory_or_file() -> Session {
    if in_child() {
        Session::postgres().migrations("tests/migrations")
    } else {
        Session::sqlite().migrations("tests/sqlite/migrations")
    }
}

#[db_test(timeout = "200ms")]
async fn running_too_long(pool: SqlitePool) {
    let _held = pool.acquire().await.expect("it connects");
    if in_child() {
        std::future::pending::<()>().await;
    }
}

#[db_test]
async fn leaving_a_connection_with_a_task(pool: SqlitePool) {
    if in_child() {
        let held = pool.acquire().await.expect("it connects");
        tokio::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        panic!("failing as asked");
    }
}

/// Is killed by its parent.
#[db_test]
async fn waiting_to_be_killed(pool: SqlitePool) {
    if in_child() {
        add(&pool, "ada").await.expect("it is added");
        eprintln!("ready to be killed");
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
}

/// Asks for what only PostgreSQL has.
#[db_test]
async fn asking_for_postgres(cx: TestContext) {
    if in_child() {
        cx.get::<PgPool>().await.expect("there is none");
    }
}

#[db_test]
async fn asking_for_faults(cx: TestContext) {
    if in_child() {
        cx.get::<Faults>().await.expect("there are none");
    }
}

#[db_test]
async fn asking_for_a_savepoint(cx: TestContext) {
    if in_child() {
        drop(cx.savepoint().await.expect("there is none"));
    }
}

//! Counting and looking at statements.

use std::panic::AssertUnwindSafe;

use db_test::{Client, Queries, db_test};
use futures_util::FutureExt;
use sqlx::PgPool;

use crate::app::try_add;

#[db_test]
async fn statements_of_handlers_and_of_the_test_are_counted(
    client: Client,
    pool: PgPool,
    queries: Queries,
) {
    queries
        .expect(1, client.get("/items"))
        .await
        .assert_status_ok();
    queries
        .expect(1, try_add(&pool, "mine"))
        .await
        .expect("it is added");
    queries.expect(0, async {}).await;
    queries.expect(1..=3, client.get("/items")).await;
    assert_eq!(queries.all().len(), 3);
}

#[db_test]
async fn what_begins_and_ends_a_transaction_is_not_counted(pool: PgPool, queries: Queries) {
    let work = async {
        let mut tx = pool.begin().await?;
        sqlx::query("insert into items (name) values ('a')")
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    queries.expect(1, work).await.expect("it is committed");
}

#[db_test]
async fn a_wrong_count_lists_the_statements(pool: PgPool, queries: Queries) {
    let work = async {
        try_add(&pool, "first").await.expect("it is added");
        try_add(&pool, "second").await.expect("it is added");
    };
    let failed = AssertUnwindSafe(queries.expect(..=1, work))
        .catch_unwind()
        .await;
    let panic = failed.expect_err("two are more than one");
    let message = panic.downcast_ref::<String>().expect("it is a text");
    assert!(
        message.starts_with("at most 1 query was expected at runtime/tests/it/queries.rs:")
            || message.starts_with("at most 1 query was expected at tests/it/queries.rs:"),
        "{message}"
    );
    assert!(
        message.contains("1. insert into items (name) values ($1)  ['first']"),
        "{message}"
    );
    assert!(
        message.contains("2. insert into items (name) values ($1)  ['second']"),
        "{message}"
    );
}

#[db_test]
async fn statements_are_found_by_a_pattern(pool: PgPool, queries: Queries) {
    try_add(&pool, "mine").await.expect("it is added");
    try_add(&pool, "mine").await.expect_err("it is there");
    let inserted = queries.matching("INSERT INTO items%values");
    assert_eq!(inserted.len(), 2);
    assert_eq!(inserted[0].rows(), Some(1));
    assert_eq!(inserted[0].parameters(), ["'mine'"]);
    assert_eq!(inserted[1].error_code(), Some("23505"));
    assert!(queries.matching("delete").is_empty());
}

#[db_test]
async fn statements_of_a_spawned_task_are_counted(pool: PgPool, queries: Queries) {
    let task = async move { try_add(&pool, "from a task").await };
    // Spawned while it is counted: another thread may run it at once.
    let joined = queries.expect(1, async { tokio::spawn(task).await }).await;
    joined.expect("it does not panic").expect("it is added");
}

#[db_test(isolation = "database")]
async fn statements_in_a_database_of_its_own_are_counted(pool: PgPool, queries: Queries) {
    let work = futures_util::future::join(try_add(&pool, "one"), try_add(&pool, "two"));
    let (one, two) = queries.expect(2, work).await;
    one.and(two).expect("both are added");
}

#[test]
fn a_test_over_its_limit_fails_with_the_list() {
    let failed = child::run("on_request::requesting::chatty", &[]);
    failed.assert_failed();
    for text in [
        "chatty_test sent too many queries",
        "the test sent 3 queries, but the limit is 2",
        "chatty_request sent too many queries",
        "GET /items/twice sent 2 queries, but the limit is 1",
        "3. select name from items",
    ] {
        failed.assert_says(text);
    }
}

#[db_test(max_queries = 3)]
async fn limited_without_a_statement(_pool: PgPool) {}

#[db_test(max_queries_per_request = 3)]
async fn limited_without_a_request(pool: PgPool) {
    sqlx::query("select 1")
        .execute(&pool)
        .await
        .expect("it is answered");
}

#[test]
fn a_limit_that_counted_nothing_is_reported() {
    let passed = child::run("queries::limited_without", &[]);
    passed.assert_passed();
    passed.assert_says("`max_queries` has counted nothing");
    passed.assert_says("`max_queries_per_request` has counted nothing");
}

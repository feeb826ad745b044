//! Whatever a test does and however it ends, nothing of it is left.

use db_test::{TestContext, db_test};
use sqlx::{Connection, PgConnection, PgPool};

use crate::app::{names, try_add};

/// Counts the items that are really committed, through a connection outside of the sandbox.
async fn committed_items(cx: &TestContext) -> i64 {
    let options = cx.outside().await.expect("the session has started");
    let mut connection = PgConnection::connect_with(&options)
        .await
        .expect("the server answers");
    let count = sqlx::query_scalar("select count(*) from items")
        .fetch_one(&mut connection)
        .await;
    connection.close().await.expect("the connection closes");
    count.expect("items can be counted")
}

#[db_test]
async fn what_a_test_commits_is_seen_by_the_test_alone(cx: TestContext, pool: PgPool) {
    try_add(&pool, "mine").await.expect("the item is added");
    assert_eq!(names(&pool).await, ["seeded", "mine"]);
    assert_eq!(committed_items(&cx).await, 1, "only the seed is committed");
}

#[db_test]
async fn a_test_starts_from_the_seed(pool: PgPool) {
    assert_eq!(names(&pool).await, ["seeded"]);
}

/// Runs a test that fails after it has written, then one in the same lane that looks.
fn fails_and_leaves_nothing(filter: &str, message: &str) {
    let failed = child::run(filter, &[]);
    failed.assert_failed();
    failed.assert_says(message);
    failed.assert_says("rolled back");
    let next = child::run("rollback::a_test_starts_from_the_seed", &[]);
    next.assert_passed();
}

#[test]
fn a_panicking_test_is_rolled_back() {
    fails_and_leaves_nothing("on_request::panicking", "panicking on request");
}

#[test]
fn a_test_that_returns_an_error_is_rolled_back() {
    fails_and_leaves_nothing("on_request::erring", "erring on request");
}

#[test]
fn a_test_that_takes_too_long_is_stopped_and_rolled_back() {
    fails_and_leaves_nothing("on_request::slow", "took longer than its limit of 1s");
}

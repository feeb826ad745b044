//! `fixtures(…)`: scripts that run in the test's own database before its arguments are made.

use db_test::{BoxError, FromTest, TestContext, db_test};
use sqlx::PgPool;

use crate::app::names;

/// Counts what was there when it was made.
struct Found(usize);

impl FromTest for Found {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(Self(names(&cx.pool()).await.len()))
    }
}

#[db_test(fixtures("apple", "pear"))]
async fn scripts_run_in_their_order_before_the_arguments(found: Found, pool: PgPool) {
    assert_eq!(found.0, 3);
    assert_eq!(names(&pool).await, ["seeded", "apple; red", "pear"]);
    let parts: i64 = sqlx::query_scalar("select count(*) from parts")
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(parts, 1);
}

#[db_test(fixtures("apple"))]
async fn scripts_run_once_for_each_test(pool: PgPool) {
    assert_eq!(names(&pool).await, ["seeded", "apple; red"]);
}

#[db_test(isolation = "database", fixtures("apple", "settings"))]
async fn scripts_run_in_a_database_of_the_test_s_own(pool: PgPool) {
    assert_eq!(names(&pool).await, ["seeded", "apple; red", "dumped"]);
}

#[db_test(fixtures("settings"))]
async fn what_a_script_has_set_ends_with_it(pool: PgPool) {
    assert_eq!(names(&pool).await, ["seeded", "dumped"]);
}

#[test]
fn an_error_without_a_position_names_its_file_and_the_line_of_its_statement() {
    let failed = child::run(
        "on_request::arguments::fixture_that_violates",
        &[("DB_TEST_CHILD_SEED", "taken")],
    );
    for part in [
        "did not run: a fixture failed",
        "the fixture runtime/tests/it/fixtures/twice.sql:4 failed: ",
        "duplicate key value violates unique constraint",
        "Key (name)=(taken) already exists",
    ] {
        failed.assert_says(part);
    }
}

#[test]
fn what_only_a_superuser_may_do_is_reported_with_the_line_to_write() {
    let failed = child::run(
        "on_request::arguments::fixture_that_needs",
        &[("DB_TEST_CHILD_SEED", "taken")],
    );
    let expected = "Session::postgres().superuser()";
    failed.assert_says(expected);
}

#[test]
fn an_error_with_a_position_names_its_file_and_that_line() {
    let failed = child::run(
        "on_request::arguments::fixture_without_its_table",
        &[("DB_TEST_CHILD_MIGRATIONS", "tests/it/fixtures/migrations")],
    );
    let part = "the fixture runtime/tests/it/fixtures/parts.sql:3 failed: ";
    failed.assert_says(part);
}

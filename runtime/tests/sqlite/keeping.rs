//! `DB_TEST_KEEP` keeps the file of a failed test.

use db_test::db_test;
use sqlx::SqlitePool;

use crate::names;

/// The path in the line that opens a kept file.
pub(crate) fn kept(output: &str) -> Option<&str> {
    output
        .lines()
        .find_map(|line| Some(line.split_once("sqlite3 ")?.1.trim()))
}

#[db_test]
async fn the_file_of_a_failed_test_has_what_it_committed() {
    assert_eq!(
        rows_kept_of("on_request::failing_with_rows").await,
        ["seeded", "committed"]
    );
}

#[db_test]
async fn a_database_in_memory_is_kept_as_a_file() {
    assert_eq!(
        rows_kept_of("on_request::failing_in_memory").await,
        ["seeded", "committed"]
    );
}

/// The users in the file that is kept of a test which fails.
async fn rows_kept_of(test: &str) -> Vec<String> {
    let failed = child::run(test, &[("DB_TEST_KEEP", "failed")]);
    failed.assert_failed();
    let path = kept(&failed.output).unwrap_or_else(|| panic!("{}", failed.output));
    let pool = SqlitePool::connect(&format!("sqlite://{path}"))
        .await
        .expect("it opens");
    let found = names(&pool).await;
    pool.close().await;
    std::fs::remove_file(path).expect("it is there");
    found
}

#[test]
fn nothing_is_kept_of_a_test_that_passes() {
    let passed = child::run(
        "arguments::a_pool_has",
        &[("DB_TEST_KEEP", "failed"), ("DB_TEST_REPORT", "always")],
    );
    passed.assert_passed();
    assert_eq!(kept(&passed.output), None, "{}", passed.output);
}

//! `DB_TEST_KEEP` keeps the file of a failed test.

use db_test::db_test;
use sqlx::SqlitePool;

use crate::{home::Home, names};

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

#[test]
fn what_is_kept_is_listed_with_its_line_until_it_is_dropped() {
    let home = Home::new("kept");
    let run = |test, keep| {
        let variables = [home.environment().as_slice(), &[("DB_TEST_KEEP", keep)]].concat();
        child::run(test, &variables)
    };
    for _ in 0..2 {
        run("on_request::failing_with_rows", "failed").assert_failed();
    }
    let listed = run("arguments::a_pool_has", "list");
    listed.assert_passed();
    listed.assert_says("  sqlite::on_request::failing_with_rows, ");
    let files = home.kept();
    let expected = ["", "-2"].map(|end| format!("sqlite-on_request-failing_with_rows{end}.db"));
    assert_eq!(files, [expected[1].as_str(), &expected[0]]);
    for file in files {
        listed.assert_says(&format!("    sqlite3 {}", home.path_of_kept(&file)));
    }
    let dropped = run("arguments::a_pool_has", "drop");
    dropped.assert_passed();
    dropped.assert_says("dropped all that was kept of SQLite in /tmp/dbt-");
    assert_eq!(home.kept(), [""; 0]);
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

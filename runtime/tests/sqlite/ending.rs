//! The end of a test, and of a process.

use std::{fs, path::PathBuf};

use child::Child;
use db_test::{TestContext, db_test};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};

#[test]
fn a_test_at_its_limit_is_stopped_and_its_file_removed() {
    let failed = child::run("on_request::running_too_long", &[]);
    failed.assert_failed();
    for expected in ["took longer than its limit of 200ms", "its file is removed"] {
        failed.assert_says(expected);
    }
}

#[test]
fn a_task_that_holds_a_connection_is_told() {
    let failed = child::run("on_request::leaving_a_connection_with_a_task", &[]);
    let told = "its file is removed; a task that outlived the test still held a connection";
    failed.assert_says(told);
}

#[test]
fn the_files_of_a_killed_process_are_swept_by_the_next() {
    let home = PathBuf::from("/tmp").join(format!("dbt-{}-killed", std::process::id()));
    let home_text = home.display().to_string();
    let environment = [("DB_TEST_HOME", home_text.as_str())];
    let mut killed = Child::matching("on_request::waiting_to_be_killed")
        .envs(&environment)
        .without_capture()
        .start();
    killed.wait_for("ready to be killed");
    killed.kill();
    let runs = || {
        let entries = fs::read_dir(home.join("v1/sqlite"))
            .expect("it is there")
            .flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("run-"))
            .count()
    };
    let left = runs();
    let next = child::run("arguments::a_pool_has", &environment);
    let swept = runs();
    fs::remove_dir_all(&home).ok();
    next.assert_passed();
    assert_eq!((left, swept), (2, 0));
}

#[db_test]
async fn whoever_comes_after_the_end_gets_an_error(cx: TestContext, options: SqliteConnectOptions) {
    // A file that is gone is not made again.
    let file = options.get_filename().with_file_name("gone.db");
    let gone = SqlitePool::connect_with(options.filename(file)).await;
    assert!(gone.is_err(), "{}", cx.name());
}

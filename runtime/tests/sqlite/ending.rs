//! The end of a test, and of a process.

use child::Child;
use db_test::db_test;
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};

use crate::home::Home;

#[test]
fn a_test_at_its_limit_is_stopped_and_its_file_removed() {
    let failed = child::run("on_request::running_too_long", &[]);
    failed.assert_failed();
    for expected in ["took longer than its limit of 200ms", "its file is removed"] {
        failed.assert_says(expected);
    }
}

#[test]
fn a_task_that_holds_a_connection_is_reported() {
    let failed = child::run("on_request::leaving_a_connection_with_a_task", &[]);
    let expected = "its file is removed; a task that outlived the test still held a connection";
    failed.assert_says(expected);
}

#[test]
fn the_files_of_a_killed_process_are_swept_by_the_next() {
    let home = Home::new("killed");
    let mut killed = Child::matching("on_request::waiting_to_be_killed")
        .envs(&home.environment())
        .without_capture()
        .start();
    killed.wait_for("ready to be killed");
    killed.kill();
    let left = home.files_of_processes();
    let next = child::run("arguments::a_pool_has", &home.environment());
    next.assert_passed();
    assert_eq!(left, ["test-1.db", "test-1.db-shm", "test-1.db-wal"]);
    let swept = home.files();
    assert!(
        !swept.iter().any(|name| name.starts_with("run-")),
        "{swept:?}"
    );
}

#[db_test]
async fn a_file_that_is_gone_is_not_made_again(options: SqliteConnectOptions) {
    let file = options.get_filename().with_file_name("gone.db");
    let gone = SqlitePool::connect_with(options.filename(file)).await;
    assert!(gone.is_err());
}

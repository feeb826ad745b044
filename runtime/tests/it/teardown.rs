//! `cx.on_end(…)`: what runs after a test, however it ended.

use std::sync::{Arc, Mutex};

use db_test::{TestContext, db_test};
use sqlx::PgPool;

use crate::app::names;

/// What the teardowns of a test in a child print, in their order.
fn ran(output: &str) -> Vec<&str> {
    let lines = output.lines();
    lines
        .filter_map(|line| line.strip_prefix("teardown: "))
        .collect()
}

#[db_test]
async fn a_teardown_may_return_nothing_or_a_result(cx: TestContext) {
    let list = Arc::new(Mutex::new(Vec::new()));
    let (one, two) = (Arc::clone(&list), list);
    cx.on_end(async move { one.lock().expect("it is free").push(1) });
    cx.on_end(async move { two.lock().map(drop).map_err(|error| error.to_string()) });
}

#[db_test]
async fn a_teardown_still_sees_the_rows_of_its_test(cx: TestContext, pool: PgPool) {
    let later = pool.clone();
    cx.on_end(async move { assert_eq!(names(&later).await, ["seeded", "mine"]) });
    crate::app::try_add(&pool, "mine")
        .await
        .expect("it is added");
}

#[test]
fn teardowns_run_in_reverse_after_every_ending() {
    for (ending, text) in [
        ("passing", "`on_end` at"),
        ("erring", "erring on request"),
        ("panicking", "panicking on request"),
        ("slow", "took longer than its limit"),
        ("without_argument", "no argument on request"),
    ] {
        let filter = format!("on_request::tearing_down::after_{ending}");
        let ended = child::run(&filter, &[]);
        assert_eq!(ran(&ended.output), ["third", "first"], "{}", ended.output);
        ended.assert_failed();
        ended.assert_says(text);
        let failure = "panicked: the second teardown panics";
        ended.assert_says(failure);
    }
}

#[test]
fn a_teardown_that_fails_fails_a_test_that_passed() {
    let ended = child::run("on_request::tearing_down::badly", &[]);
    ended.assert_failed();
    for part in [
        "passed, but its teardown failed",
        "tearing_down.rs:",
        "failed: the bucket is gone",
    ] {
        ended.assert_says(part);
    }
}

#[test]
fn an_expected_panic_does_not_hide_a_teardown_that_fails() {
    let ended = child::run("on_request::tearing_down::after_an_expected_panic", &[]);
    ended.assert_failed();
}

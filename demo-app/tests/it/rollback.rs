//! Every way a test can end, and the proof from outside that nothing of it is left.

mod endings;

use child::{Child, Finished};
use db_test::db_test;

#[db_test]
async fn a_test_that_passes_leaves_nothing() {
    let outcome = ending("passes");
    outcome.assert_passed();
    assert_nothing_is_left(&outcome);
}

#[db_test]
async fn a_test_that_fails_leaves_nothing() {
    let outcome = ending("fails");
    outcome.assert_failed_with("the assertion that fails");
    assert_nothing_is_left(&outcome);
}

#[db_test]
async fn a_test_that_panics_leaves_nothing() {
    let outcome = ending("panics_inside_a_transaction");
    outcome.assert_failed_with("the panic");
    assert_nothing_is_left(&outcome);
}

#[db_test]
async fn a_test_that_returns_an_error_leaves_nothing() {
    let outcome = ending("returns_an_error");
    outcome.assert_failed_with("the error");
    assert_nothing_is_left(&outcome);
}

#[db_test]
async fn a_test_that_takes_too_long_leaves_nothing() {
    let outcome = ending("takes_too_long");
    outcome.assert_failed_with("took longer than its limit of 2s");
    assert_nothing_is_left(&outcome);
}

/// Runs an inner test, and after it the one that looks at what is left of it.
fn ending(test: &str) -> Finished {
    Child::exactly("rollback::endings", &[test, "what_is_left"]).run()
}

/// Only the user of the seed is there, in the very database that the ended test had.
fn assert_nothing_is_left(outcome: &Finished) {
    assert_eq!(outcome.said("looked in"), outcome.said("wrote to"));
    assert_eq!(outcome.said("users"), ["test@example.com"]);
}

//! What tests and handlers print is captured by libtest, test by test.

use crate::child;

#[test]
fn a_passing_test_prints_nothing() {
    let passed = child::run("on_request::printing_and_passing", &[]);
    assert!(passed.success, "{}", passed.output);
    assert!(!passed.output.contains("printed by"), "{}", passed.output);
}

#[test]
fn a_failing_test_shows_what_it_and_its_handlers_printed() {
    let failed = child::run("on_request::printing_and_", &[]);
    assert!(!failed.success, "{}", failed.output);
    assert!(
        failed.output.contains("printed by a failing test"),
        "{}",
        failed.output
    );
    assert_eq!(
        failed.output.matches("printed by a handler").count(),
        1,
        "{}",
        failed.output
    );
    assert!(
        !failed.output.contains("printed by a passing test"),
        "{}",
        failed.output
    );
}

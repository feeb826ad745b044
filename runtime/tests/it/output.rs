//! What tests and handlers print is captured by libtest, test by test.

#[test]
fn a_passing_test_prints_nothing() {
    let passed = child::run("on_request::printing_and_passing", &[]);
    passed.assert_passed();
    passed.assert_does_not_say("printed by");
}

#[test]
fn a_failing_test_shows_what_it_and_its_handlers_printed() {
    let failed = child::run("on_request::printing_and_", &[]);
    failed.assert_failed();
    failed.assert_says("printed by a failing test");
    assert_eq!(
        failed.output.matches("printed by a handler").count(),
        1,
        "{}",
        failed.output
    );
    failed.assert_does_not_say("printed by a passing test");
}

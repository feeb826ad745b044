//! An override that nothing read is reported, with what to do.

use child::Finished;

mod on_request;

/// Runs a passing test with an unused override, and returns the one line that is printed about it.
fn said_of(test: &str) -> String {
    let Finished { success, output } =
        child::run(&format!("unused_overrides::on_request::{test}"), &[]);
    assert!(success, "{output}");
    let prefix = format!("db-test: it::unused_overrides::on_request::{test}: ");
    let lines = output.lines().filter_map(|line| line.split_once(&prefix));
    let said: Vec<_> = lines.map(|(_, said)| said).collect();
    assert_eq!(said.len(), 1, "{output}");
    said[0].to_owned()
}

#[test]
fn a_type_that_nothing_can_replace_is_reported_from_those_that_something_can() {
    assert_eq!(
        said_of("renamed_and_passing"),
        "`it::unused_overrides::on_request::Visitor` was set, but neither cx.overridden_or nor an #[overridable] extractor \
         read it in the only request; if a plain Extension reads it, call \
         overrides.extension(…); otherwise set what the application reads now (`it::app::Limit`, \
         `it::app::Caller`)"
    );
}

#[test]
fn a_failing_test_has_it_in_its_report() {
    let failed = child::run("unused_overrides::on_request::renamed_and_failing", &[]);
    failed.assert_failed();
    let section = " override  `it::unused_overrides::on_request::Visitor` was set, but";
    assert_eq!(
        failed.output.matches(section).count(),
        1,
        "{}",
        failed.output
    );
    assert!(
        !failed
            .output
            .contains("db-test: it::unused_overrides::on_request::renamed_and_failing: ")
    );
}

#[test]
fn a_test_that_panics_as_expected_reports_it_too() {
    said_of("renamed_and_panicking_as_expected");
}

#[test]
fn a_test_without_an_application_is_reported() {
    assert_eq!(
        said_of("unused_without_a_client"),
        "`it::unused_overrides::on_request::Visitor` was set, but the test does not use the application; take a Client \
         or a Router, or leave it out"
    );
}

#[test]
fn a_test_without_a_request_is_reported() {
    assert_eq!(
        said_of("unused_without_a_request"),
        "`it::unused_overrides::on_request::Visitor` was set, but the application's state does not read it and the \
         test sent no request; send a request that depends on it, or leave it out"
    );
}

#[test]
fn what_was_set_after_the_state_was_built_is_reported() {
    assert_eq!(
        said_of("after_the_state"),
        "`it::app::Limit` was set after the application's state had been built without it; set it \
         earlier: by #[db_test(overrides = …)], or in an argument before the Client or Router"
    );
}

#[test]
fn what_was_set_after_an_argument_had_read_it_is_reported() {
    assert_eq!(
        said_of("after_an_argument"),
        "`it::app::Limit` was set after cx.overridden had looked for it; set it earlier: by \
         #[db_test(overrides = …)], or in an argument before the one that reads it"
    );
}

#[test]
fn what_was_set_after_the_last_request_for_it_is_reported() {
    assert_eq!(
        said_of("after_the_requests"),
        "`it::app::Caller` was set after the last request that looked for it; set it before that \
         request"
    );
}

#[test]
fn what_was_set_again_and_not_read_is_reported() {
    assert_eq!(
        said_of("for_the_second_time"),
        "`it::app::Caller` was set again, but no later request read it; send a request that \
         depends on it, or leave it out"
    );
}

#[test]
fn an_extractor_that_no_handler_takes_is_reported() {
    assert_eq!(
        said_of("of_an_extractor"),
        "`it::app::Caller` was set, but no handler extracted it in the only request; set what the \
         handlers extract now, or leave it out"
    );
}

#[test]
fn one_request_that_did_not_read_it_is_reported() {
    assert_eq!(
        said_of("for_one_request"),
        "`it::app::Caller` was set for one request, which did not read it; set what its \
         handler extracts, or leave it out"
    );
}

#[test]
fn whether_an_extension_is_read_is_not_claimed_of_one_request() {
    assert_eq!(
        said_of("for_one_request_as_an_extension"),
        "`it::app::Greeting` was set for one request, in which no #[overridable] extractor read \
         it; if a plain Extension reads it, call overrides.extension(…); otherwise set what the \
         application reads now"
    );
}

#[test]
fn a_value_that_is_wrapped_in_an_extension_is_reported() {
    assert_eq!(
        said_of("wrapped_in_an_extension"),
        "`axum::extension::Extension<it::app::Greeting>` was set, but a \
         handler's `Extension<T>` reads the `T` in it; set the value itself, without `Extension(…)`"
    );
}

#[test]
fn one_request_cannot_replace_a_part_of_the_state() {
    assert_eq!(
        said_of("for_one_request_in_the_state"),
        "`it::app::Limit` was set for one request, but it is part of the application's state, \
         which is built before any request; set it by #[db_test(overrides = …)], or make it an \
         #[overridable] extractor"
    );
}

#[test]
fn what_each_request_replaces_is_reported() {
    assert_eq!(
        said_of("hidden_by_the_only_request"),
        "`it::app::Caller` was set, but replaced or removed before anything read it; \
         leave it out"
    );
}

#[test]
fn a_request_to_another_application_is_reported() {
    assert_eq!(
        said_of("for_another_application"),
        "`it::app::Caller` was set for a request that did not reach the session's application; \
         send it with the test's Client or Router, from the test's own task, and await it"
    );
}

#[test]
fn what_need_not_be_read_is_not_reported() {
    let quiet = child::run("unused_overrides::on_request::not_reported", &[]);
    quiet.assert_passed();
    quiet.assert_does_not_say("was set");
}

//! The trace in the report of a failing test.

fn report_of(environment: &[(&str, &str)]) -> String {
    let failed = child::run(
        "on_request::requesting::requesting_and_failing",
        environment,
    );
    failed.assert_failed();
    failed.output
}

fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let (_, after) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("`{part}` is missing, or in another place:\n{text}"));
        rest = after;
    }
}

#[test]
fn requests_are_reported_with_their_statements_parameters_and_errors() {
    assert_in_order(
        &report_of(&[]),
        &[
            "the test itself",
            "select name from items",
            "POST /items → 201 in ",
            "insert into items (name) values ($1)  (1 row, ",
            "$1 = 'mine'",
            "POST /items → 409 in ",
            "insert into items (name) values ($1)  (failed after ",
            "$1 = 'mine'",
            "error 23505: duplicate key value violates unique constraint",
            "detail: Key (name)=(mine) already exists.",
            "response: taken",
            "run again",
        ],
    );
}

#[test]
fn a_transaction_is_reported_as_the_application_began_it() {
    assert_in_order(
        &report_of(&[("DB_TEST_REPORT", "full")]),
        &[
            "POST /items/two → 201",
            "BEGIN",
            "insert",
            "insert",
            "COMMIT",
        ],
    );
}

#[test]
fn what_the_sandbox_sends_is_not_reported() {
    let report = report_of(&[("DB_TEST_REPORT", "full")]);
    for text in ["_sqlx_savepoint", "db-test*/", "reset all"] {
        assert!(!report.contains(text), "{text}: {report}");
    }
}

#[test]
fn repeated_statements_of_a_request_are_pointed_out() {
    assert_in_order(
        &report_of(&[]),
        &[
            "GET /items/one-by-one → 200",
            "select name from items where id = $1",
            "times in this request: an N+1 query?",
        ],
    );
}

#[test]
fn only_the_last_requests_are_reported_unless_all_are_wanted() {
    let short = report_of(&[]);
    assert!(
        short.contains("earlier requests (DB_TEST_REPORT=full)"),
        "{short}"
    );
    assert!(!short.contains("GET /greeting"), "{short}");
    let full = report_of(&[("DB_TEST_REPORT", "full")]);
    assert!(
        full.contains("GET /greeting?access_token=*** → 200"),
        "{full}"
    );
}

#[test]
fn secrets_and_control_characters_are_not_reported() {
    let report = child::run("on_request::requesting::confiding", &[]).output;
    assert_in_order(
        &report,
        &[
            r"$1 = e'\u{1b}[2Jred', $2 = ***",
            "$1 = 'plain', $2 = ***",
            r#"error 22P02: invalid input syntax for type integer: "\u{1b}]0;title\u{7}\r""#,
        ],
    );
    assert!(!report.contains("sesame"), "{report}");
    assert!(!report.contains(['\x1b', '\x07', '\r']), "{report:?}");
}

#[test]
fn an_unknown_value_is_reported_with_the_valid_ones() {
    let report = report_of(&[("DB_TEST_REPORT", "loud")]);
    let text =
        "DB_TEST_REPORT: unknown value `loud`, using `short` (expected short, full, always or off)";
    assert_eq!(report.matches(text).count(), 1, "{report}");
}

#[test]
fn nothing_is_reported_when_it_is_off() {
    let report = report_of(&[("DB_TEST_REPORT", "off")]);
    assert!(!report.contains("POST /items"), "{report}");
}

#[test]
fn a_test_that_passes_prints_its_trace_on_demand() {
    let passed = child::run(
        "queries::statements_are_found_by_a_pattern",
        &[("DB_TEST_REPORT", "always")],
    );
    passed.assert_passed();
    assert_in_order(
        &passed.output,
        &[
            "statements_are_found_by_a_pattern passed ──",
            "insert into items",
        ],
    );
    let silent = child::run("queries::statements_are_found_by_a_pattern", &[]);
    silent.assert_does_not_say("insert into items");
}

//! Which server is used, and what is said about one that cannot be.

const TESTS: &str = "transactions::";

#[test]
fn a_url_that_leads_nowhere_is_reported_once_and_without_its_password() {
    let url = "postgres://ada:sesame-open@127.0.0.1:1/nowhere";
    let failed = child::run(TESTS, &[("TEST_DB_URL", url)]);
    failed.assert_failed();
    failed.assert_does_not_say("sesame");
    let named = "could not connect to the server that TEST_DB_URL names (ada@127.0.0.1:1/nowhere)";
    failed.assert_says(named);
    assert_eq!(
        failed
            .output
            .matches("set TEST_DB_URL=private to use a private server")
            .count(),
        1,
        "{}",
        failed.output
    );
    failed.assert_says("full message there");
}

#[test]
fn a_url_of_another_database_is_refused_with_its_variable() {
    let failed = child::run(
        TESTS,
        &[("DATABASE_URL", "mysql://root:sesame@localhost/app")],
    );
    failed.assert_says("DATABASE_URL (environment) is not a PostgreSQL URL");
    failed.assert_does_not_say("sesame");
}

#[test]
fn an_empty_variable_counts_as_none() {
    let passed = child::run(TESTS, &[("TEST_DB_URL", ""), ("DATABASE_URL", "")]);
    passed.assert_passed();
}

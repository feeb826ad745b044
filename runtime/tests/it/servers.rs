//! Which server is used, and what is said about one that cannot be.

use crate::child;

const TESTS: &str = "transactions::";

#[test]
fn a_url_that_leads_nowhere_is_told_once_and_without_its_password() {
    let url = "postgres://ada:sesame-open@127.0.0.1:1/nowhere";
    let failed = child::run(TESTS, &[("TEST_DB_URL", url)]);
    assert!(!failed.success, "{}", failed.output);
    assert!(!failed.output.contains("sesame"), "{}", failed.output);
    let named = "could not connect to the server that TEST_DB_URL names (ada@127.0.0.1:1/nowhere)";
    assert!(failed.output.contains(named), "{}", failed.output);
    assert_eq!(
        failed
            .output
            .matches("set TEST_DB_URL=private to use a private server")
            .count(),
        1,
        "{}",
        failed.output
    );
    assert!(
        failed.output.contains("full message there"),
        "{}",
        failed.output
    );
}

#[test]
fn a_url_of_another_database_is_refused_with_its_variable() {
    let failed = child::run(
        TESTS,
        &[("DATABASE_URL", "mysql://root:sesame@localhost/app")],
    );
    assert!(
        failed
            .output
            .contains("DATABASE_URL (environment) is not a PostgreSQL URL"),
        "{}",
        failed.output
    );
    assert!(!failed.output.contains("sesame"), "{}", failed.output);
}

#[test]
fn an_empty_variable_counts_as_none() {
    let passed = child::run(TESTS, &[("TEST_DB_URL", ""), ("DATABASE_URL", "")]);
    assert!(passed.success, "{}", passed.output);
}

//! `DB_TEST_LOG`: what the library does, on standard error.

use db_test::db_test;
use sqlx::ConnectOptions;

use crate::place::Place;

const TESTS: &str = "injection::a_result";

#[test]
fn a_first_run_tells_each_step_with_its_time() {
    let place = Place::new();
    let output = place.run(TESTS, &[("DB_TEST_LOG", "info")]).output;
    for step in [
        "using a private server, as neither TEST_DB_URL nor DATABASE_URL is set",
        "starting a private PostgreSQL",
        "(by DB_TEST_HOME), with the programs in",
        "session it::session started on the private PostgreSQL",
        "made in ",
    ] {
        assert!(output.contains(step), "{step}: {output}");
    }
}

#[db_test]
async fn a_server_is_reported_with_the_variable_that_names_it() {
    let place = Place::new();
    place.run(TESTS, &[]).assert_passed();
    let options = place.socket().username("postgres").password("sesame");
    let url = options.database("postgres").to_url_lossy().to_string();
    let output = place
        .run(TESTS, &[("DATABASE_URL", &url), ("DB_TEST_LOG", "trace")])
        .output;
    assert!(
        output.contains("using the server that DATABASE_URL names"),
        "{output}"
    );
    assert!(
        output.contains("as the variable is set (environment)"),
        "{output}"
    );
    assert!(
        output.contains("a_result_may_be_returned: rolled back"),
        "{output}"
    );
    assert!(!output.contains("sesame"), "{output}");
}

#[test]
fn nothing_is_reported_unless_asked() {
    let place = Place::new();
    let quiet = place.run(TESTS, &[]).output;
    assert!(!quiet.contains(" s] "), "{quiet}");
}

#[test]
fn an_unknown_level_is_reported_once_with_the_valid_ones() {
    let output = child::run(TESTS, &[("DB_TEST_LOG", "loud")]).output;
    assert_eq!(
        output
            .matches("expected off, error, warn, info, debug or trace")
            .count(),
        1,
        "{output}"
    );
}

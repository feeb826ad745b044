//! `DB_TEST_KEEP`: the databases of failed tests, kept to be looked at.

use std::{
    fs::File,
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use db_test::db_test;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::{place::Place, shared::limited};

const FAILED: (&str, &str) = ("DB_TEST_KEEP", "failed");
const NAMES: &str = "select name from items order by id";

/// The first line of a text that opens a database.
fn psql_line(output: &str) -> &str {
    let line = output
        .lines()
        .find_map(|line| line.find("psql -h").map(|at| &line[at..]));
    line.unwrap_or_else(|| panic!("no psql line in:\n{output}"))
}

/// Runs the printed line as a user does, with a query; gives what it prints, or why it failed.
fn look(line: &str, query: &str) -> Result<String, String> {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("{line} --no-psqlrc -Atc \"$QUERY\"")])
        .env("QUERY", query);
    let output = shell.output().expect("the shell runs");
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// What is in the database that a failing test leaves.
fn kept_of(place: &Place, test: &str) -> String {
    let failed = place.run(test, &[FAILED]);
    failed.assert_failed();
    look(psql_line(&failed.output), NAMES).expect("it is there")
}

async fn kept(place: &Place) -> Vec<String> {
    let mut connection = place.connect().await;
    let names = "select datname from pg_database where datname like 'dbt\\_kept%' order by 1";
    let names = sqlx::query_scalar(names).fetch_all(&mut connection).await;
    connection.close().await.expect("it closes");
    names.expect("they are listed")
}

async fn execute(place: &Place, sql: &str) {
    let mut connection = place.connect().await;
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await;
    done.expect("it is done");
    connection.close().await.expect("it closes");
}

#[test]
fn what_a_failed_test_wrote_is_there_through_the_printed_line() {
    let place = Place::new();
    for (test, written) in [
        ("erring", "seeded\nwritten before an error"),
        ("failing_in_its_own_database", "seeded\ncommitted"),
        // Without the statement that took too long.
        ("slow", "seeded\nwritten before the time is up"),
        // Without the transaction that was open.
        ("failing_in_a_transaction", "seeded\ncommitted"),
        // Its teardown fails.
        ("tearing_down::after_passing", "seeded"),
        // It sends too many queries.
        ("requesting::chatty_test", "seeded"),
    ] {
        let names = kept_of(&place, &format!("on_request::{test}"));
        assert_eq!(names, written, "{test}");
    }
}

#[db_test]
async fn nothing_is_kept_of_tests_that_pass() {
    let place = Place::new();
    let passed = place.run("rollback::", &[FAILED]);
    passed.assert_passed();
    assert!(kept(&place).await.is_empty());
}

#[db_test]
async fn each_failure_has_a_database_until_they_are_dropped() {
    let place = Place::new();
    for _ in 0..2 {
        place.run("on_request::erring", &[FAILED]).assert_failed();
    }
    let names = [
        "dbt_kept_it_on_request_erring_1",
        "dbt_kept_it_on_request_erring_2",
    ];
    assert_eq!(kept(&place).await, names);
    // Not one of ours, by its comment.
    execute(&place, "create database dbt_kept_accounts_1").await;
    let dropped = place.run("injection::a_result", &[("DB_TEST_KEEP", "drop")]);
    dropped.assert_says("dropped all");
    assert_eq!(kept(&place).await, ["dbt_kept_accounts_1"]);
}

#[test]
fn what_is_kept_is_listed_with_the_line_that_opens_it() {
    let place = Place::new();
    place.run("on_request::erring", &[FAILED]).assert_failed();
    let listed = place.run("injection::a_result", &[("DB_TEST_KEEP", "list")]);
    listed.assert_passed();
    let expected = "it::on_request::erring, just now";
    listed.assert_says(expected);
    look(psql_line(&listed.output), NAMES).expect("it is there");
}

#[db_test]
async fn what_has_been_kept_for_a_week_is_dropped() {
    let place = Place::new();
    place.run("on_request::erring", &[FAILED]).assert_failed();
    let old = "comment on database dbt_kept_it_on_request_erring_1 is 'db-test kept 1000 it::old'";
    execute(&place, old).await;
    let variables = [FAILED, ("DB_TEST_CHILD_SEED", "new")];
    place
        .run("on_request::panicking", &variables)
        .assert_failed();
    let left = kept(&place).await;
    assert!(!left.iter().any(|name| name.contains("erring")), "{left:?}");
}

#[db_test]
async fn a_database_that_somebody_looks_at_is_not_dropped() {
    let place = Place::new();
    let failed = place.run("on_request::erring", &[FAILED]);
    let options = place
        .socket()
        .username("postgres")
        .database("dbt_kept_it_on_request_erring_1");
    let looking = options
        .connect()
        .await
        .unwrap_or_else(|error| panic!("{error}\n{}", failed.output));
    let left = place.run("injection::a_result", &[("DB_TEST_KEEP", "drop")]);
    looking.close().await.expect("it closes");
    left.assert_says("not dropped: ");
}

#[db_test]
async fn all_tests_are_kept_when_that_is_asked_for() {
    let place = Place::new();
    let passed = place.run("on_request::broken_before", &[("DB_TEST_KEEP", "all")]);
    passed.assert_passed();
    assert_eq!(
        look(psql_line(&passed.output), NAMES).as_deref(),
        Ok("seeded\nwhole")
    );
}

#[db_test]
async fn a_password_is_not_printed_but_asked_for() {
    let place = Place::new();
    place.run("injection::a_result", &[]).assert_passed();
    let with_password = place.socket().username("postgres").password("sesame");
    let url = with_password
        .database("postgres")
        .to_url_lossy()
        .to_string();
    let failed = place.run("on_request::erring", &[FAILED, ("TEST_DB_URL", &url)]);
    failed.assert_does_not_say("sesame");
    failed.assert_says("psql asks for the password");
    look(psql_line(&failed.output), NAMES).expect("it is there");
}

#[db_test]
async fn a_database_that_all_tests_share_is_not_kept() {
    let place = Place::new();
    let url = limited(&place).await;
    let variables = [
        FAILED,
        ("TEST_DB_URL", &url),
        ("DB_TEST_CHILD_SEED", "none"),
    ];
    let failed = place.run("on_request::erring", &variables);
    let why = "nothing: the role `limited` may not create databases";
    failed.assert_says(why);
}

#[test]
fn a_test_that_has_nothing_to_keep_says_why() {
    let place = Place::new();
    for (test, why) in [
        (
            "on_request::blocking",
            "nothing: the test did not use its database",
        ),
        (
            "on_request::cut_off",
            "nothing: its transaction ended with its connection",
        ),
    ] {
        let failed = place.run(test, &[FAILED]);
        failed.assert_says(why);
    }
}

#[db_test]
async fn a_test_that_panics_as_expected_is_not_kept() {
    let place = Place::new();
    let passed = place.run("on_request::panicking_as_expected", &[FAILED]);
    passed.assert_passed();
    assert!(kept(&place).await.is_empty());
}

#[test]
fn an_unknown_value_is_reported_once_with_the_valid_ones() {
    let passed = child::run("rollback::", &[("DB_TEST_KEEP", "fialed")]);
    passed.assert_passed();
    let expected = "DB_TEST_KEEP: unknown value `fialed`, so nothing is kept (expected failed, all, list or drop)";
    assert_eq!(
        passed.output.matches(expected).count(),
        1,
        "{}",
        passed.output
    );
}

#[test]
fn the_private_server_waits_for_who_looks_and_then_stops() {
    let place = Place::new();
    let failed = place.run(
        "on_request::erring",
        &[FAILED, ("DB_TEST_IDLE_SECONDS", "0")],
    );
    let line = psql_line(&failed.output);
    // Without idle time, and without a reason to wait, it stops within 100 ms.
    look(line, "select pg_sleep(1)").expect("it stays up");
    let hours_ago = SystemTime::now() - Duration::from_hours(2);
    let marker = File::options()
        .write(true)
        .open(place.instance().join("stay-up"));
    let marker = marker.expect("the server stays up");
    marker.set_modified(hours_ago).expect("its time can be set");
    let started = Instant::now();
    while look(line, "select 1").is_ok() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it does not stop"
        );
    }
}

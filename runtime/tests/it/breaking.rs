//! Processes that are killed, connections that break, servers that are full.

use std::time::{Duration, Instant};

use db_test::db_test;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::place::Place;

/// Waits until a query answers yes.
pub(crate) async fn until(connection: &mut PgConnection, question: &str) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        let question = AssertSqlSafe(format!("select exists ({question})"));
        if sqlx::query_scalar(question)
            .fetch_one(&mut *connection)
            .await
            .expect("it answers")
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not so within 30 s: {question}");
}

#[db_test]
async fn a_killed_process_leaves_nothing_that_the_next_one_sees() {
    let place = Place::new();
    place.run("injection::a_result", &[]).assert_passed();
    let mut server = place.connect().await;
    for filter in [
        "on_request::waiting_after_an_insert",
        "on_request::waiting_after_a_commit",
    ] {
        let process = place.start(filter, &[]);
        until(&mut server, "select from pg_stat_activity where query like '%waits to be killed%' and pid <> pg_backend_pid()").await;
        process.kill();
        let next = place.run("rollback::a_test_starts_from_the_seed", &[]);
        next.assert_passed();
    }
    server.close().await.expect("it closes");
}

#[db_test]
async fn a_process_that_is_killed_while_it_makes_the_template_is_replaced() {
    let place = Place::new();
    place
        .run("injection::a_result", &[("DB_TEST_CHILD_SEED", "first")])
        .assert_passed();
    let mut server = place.connect().await;
    let process = place.start(
        "injection::a_result",
        &[
            ("DB_TEST_CHILD_SLOW_SEED", "60"),
            ("DB_TEST_CHILD_SEED", "code"),
        ],
    );
    until(
        &mut server,
        "select from pg_stat_activity where wait_event = 'PgSleep' and datname like 'dbt_%_new%'",
    )
    .await;
    process.kill();
    let next = place.run(
        "injection::a_result",
        &[
            ("DB_TEST_CHILD_SLOW_SEED", "0"),
            ("DB_TEST_CHILD_SEED", "code"),
        ],
    );
    next.assert_passed();
    until(
        &mut server,
        "select 1 except select 1 from pg_database where datname like 'dbt_%_new%'",
    )
    .await;
    server.close().await.expect("it closes");
}

#[db_test]
async fn a_server_out_of_connections_is_waited_for() {
    let place = Place::new();
    place.run("injection::a_result", &[]).assert_passed();
    let mut server = place.connect().await;
    let role =
        "create role narrow login createdb connection limit 3; create database narrow owner narrow";
    for sql in role.split(';') {
        sqlx::raw_sql(sql)
            .execute(&mut server)
            .await
            .expect("it is created");
    }
    server.close().await.expect("it closes");
    let url = place
        .socket()
        .username("narrow")
        .database("narrow")
        .to_url_lossy();
    let passed = place.run(
        "autocommit::",
        &[("TEST_DB_URL", url.as_str()), ("RUST_TEST_THREADS", "8")],
    );
    passed.assert_passed();
}

#[db_test]
async fn a_connection_that_breaks_in_mid_query_fails_its_test_alone() {
    let place = Place::new();
    let failed = place.run("on_request::broken_", &[("RUST_TEST_THREADS", "1")]);
    failed.assert_says("terminating connection");
    failed.assert_says("1 passed; 1 failed");
}

#[db_test]
async fn what_a_server_said_when_it_ended_a_connection_is_reported() {
    let place = Place::new();
    let failed = place.run("on_request::cut_off::", &[]);
    let expected = "its connection broke: terminating connection due to administrator command";
    failed.assert_says(expected);
}

#[db_test]
async fn a_private_server_that_is_killed_is_started_again_for_the_next_test() {
    let place = Place::new();
    let survived = place.run("on_request::killing_", &[("RUST_TEST_THREADS", "1")]);
    survived.assert_says("killing_b_is_survived ... ok");
}

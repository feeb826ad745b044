//! Databases of ours that a process left half-made, half-dropped or in other hands: the next run
//! makes them anew.

use std::{thread, time::Duration};

use db_test::db_test;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use crate::{breaking::until, place::Place};

const TESTS: &str = "rollback::a_test_starts_from_the_seed";
const OWN_DATABASE: &str = "own_database::a_database_of_its_own_starts_from_the_seed";

/// Ours, unless they are whole and marked as clean.
const DAMAGED: &str = "select from pg_database where datname like 'dbt%' and (datconnlimit = -2 or datname like '%\\_new%' \
     or coalesce(shobj_description(oid, 'pg_database') not like 'db-test clean%', true))";

async fn run(server: &mut PgConnection, sql: &str) {
    let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    statement.execute(server).await.expect("it is done");
}

async fn names(server: &mut PgConnection, condition: &str) -> Vec<String> {
    let sql = format!(
        "select datname from pg_database where datname like 'dbt%' and {condition} order by 1"
    );
    let names = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(server);
    names.await.expect("they are listed")
}

/// A server on which tests have run, and a connection to it.
async fn used(tests: &str) -> (Place, PgConnection) {
    let place = Place::new();
    let passed = place.run(tests, &[]);
    passed.assert_passed();
    let server = place.connect().await;
    (place, server)
}

/// Tests pass, nothing is said about it, and nothing damaged is left.
async fn assert_healed(place: &Place, server: &mut PgConnection) {
    for tests in [OWN_DATABASE, TESTS] {
        let passed = place.run(tests, &[]);
        assert!(
            passed.success && passed.notices().is_empty(),
            "{}",
            passed.output
        );
    }
    until(server, &format!("select 1 where not exists ({DAMAGED})")).await;
}

#[db_test]
async fn a_half_dropped_lane_is_replaced() {
    let (place, mut server) = used(TESTS).await;
    run(
        &mut server,
        "update pg_database set datconnlimit = -2 where datname like 'dbt%' and not datistemplate",
    )
    .await;
    assert_healed(&place, &mut server).await;
}

#[db_test]
async fn a_half_dropped_template_is_made_anew() {
    let (place, mut server) = used(TESTS).await;
    // `drop database` has marked it so and was interrupted.
    run(
        &mut server,
        "update pg_database set datconnlimit = -2, datistemplate = false where datname like 'dbt%'",
    )
    .await;
    assert_healed(&place, &mut server).await;
    assert_eq!(names(&mut server, "datistemplate").await.len(), 1);
}

#[db_test]
async fn a_draft_that_was_closed_but_not_renamed_blocks_nothing() {
    let (place, mut server) = used(TESTS).await;
    let template = names(&mut server, "datistemplate").await.remove(0);
    for name in names(&mut server, "true").await {
        run(
            &mut server,
            &format!("alter database {name} with is_template false"),
        )
        .await;
        run(&mut server, &format!("drop database {name}")).await;
    }
    for draft in ["new", "new_6929a1b200000001"] {
        let draft = format!("{template}_{draft}");
        run(&mut server, &format!("create database {draft}")).await;
        run(
            &mut server,
            &format!("alter database {draft} with is_template true allow_connections false"),
        )
        .await;
    }
    assert_healed(&place, &mut server).await;
}

#[db_test]
async fn a_lane_with_a_comment_that_is_not_ours_is_not_trusted() {
    let (place, mut server) = used(TESTS).await;
    for comment in ["'a test wrote this'", "'db-test busy 1'", "'db-test clean'"] {
        let lane = names(&mut server, "not datistemplate").await.remove(0);
        run(
            &mut server,
            &format!("comment on database {lane} is {comment}"),
        )
        .await;
        let dirty = place.socket().username("postgres").database(&lane);
        let mut dirty = PgConnection::connect_with(&dirty)
            .await
            .expect("it connects");
        run(
            &mut dirty,
            "insert into items (name) values ('left by a killed test')",
        )
        .await;
        dirty.close().await.expect("it closes");
        assert_healed(&place, &mut server).await;
        assert!(
            !names(&mut server, "true").await.contains(&lane),
            "{comment}"
        );
    }
}

#[db_test]
async fn the_name_of_a_lane_is_never_used_again() {
    let (place, mut server) = used(OWN_DATABASE).await;
    let before = names(&mut server, "not datistemplate").await;
    place.run(OWN_DATABASE, &[]).assert_passed();
    let after = names(&mut server, "not datistemplate").await;
    assert!(
        before.iter().all(|name| !after.contains(name)),
        "{before:?}, then {after:?}"
    );
}

#[db_test]
async fn a_test_whose_database_could_be_taken_away_fails_and_says_so() {
    let place = Place::new();
    let failed = place.run("on_request::losing_its_claim", &[]);
    failed.assert_says("losing_its_claim lost its database while it ran");
}

/// The variables of a run whose server is named by a database of its own.
async fn named_by(place: &Place, database: &str) -> String {
    let mut server = place.connect().await;
    run(&mut server, &format!("create database {database}")).await;
    server.close().await.expect("it closes");
    let options: PgConnectOptions = place.socket().username("postgres").database(database);
    sqlx::ConnectOptions::to_url_lossy(&options).to_string()
}

#[db_test]
async fn two_urls_of_one_server_do_not_get_in_each_others_way() {
    let (place, mut server) = used(TESTS).await;
    let urls = [named_by(&place, "one").await, named_by(&place, "two").await];
    let seed = [
        ("DB_TEST_CHILD_SEED", "code"),
        ("DB_TEST_CHILD_SLOW_SEED", "1"),
    ];
    let processes = urls.map(|url| {
        place.start(
            "injection::a_result",
            &[&seed[..], &[("TEST_DB_URL", &url)]].concat(),
        )
    });
    // Both are making it, each under a lock of its own.
    until(&mut server, "select from pg_stat_activity where wait_event = 'PgSleep' having count(distinct datname) = 2").await;
    for process in processes {
        process.finish().assert_passed();
    }
    until(
        &mut server,
        &format!("select 1 where not exists ({DAMAGED})"),
    )
    .await;
    assert_eq!(names(&mut server, "datistemplate").await.len(), 2);
}

#[db_test]
async fn a_drop_that_outlives_its_process_breaks_no_later_run() {
    let (place, mut server) = used(TESTS).await;
    let checkpointer = "select pid from pg_stat_activity where backend_type = 'checkpointer'";
    let checkpointer: i32 = sqlx::query_scalar(checkpointer)
        .fetch_one(&mut server)
        .await
        .expect("there is one");
    let checkpointer = Pid::from_raw(checkpointer).expect("it is a process");
    kill_process(checkpointer, Signal::STOP).expect("it is stopped");
    // The drop waits for a checkpoint, and the end of the process does not wait for the drop.
    let passed = place.run(OWN_DATABASE, &[]);
    kill_process(checkpointer, Signal::CONT).expect("it goes on");
    passed.assert_passed();
    assert_healed(&place, &mut server).await;
}

#[db_test(timeout = "2m")]
async fn processes_that_are_killed_at_any_moment_leave_a_server_that_works() {
    let (place, mut server) = used(TESTS).await;
    for round in 0..12 {
        // A new template, its clone, and the drop of that, each of which may be interrupted.
        let seed = [(
            "DB_TEST_CHILD_SEED",
            if round % 2 == 0 { "even" } else { "odd" },
        )];
        let process = place.start("own_database::notifications", &seed);
        tokio::time::sleep(Duration::from_millis(15 * (round + 1))).await;
        process.kill();
    }
    for seed in ["even", "odd"] {
        let passed = place.run(
            "own_database::notifications",
            &[("DB_TEST_CHILD_SEED", seed)],
        );
        passed.assert_passed();
    }
    until(
        &mut server,
        "select 1 where not exists (select from pg_database where datname like 'dbt%' and datconnlimit = -2)",
    )
    .await;
}

#[db_test]
async fn a_template_that_was_interrupted_is_made_for_the_next_test() {
    let (place, mut server) = used(TESTS).await;
    let seed = [
        ("DB_TEST_CHILD_SEED", "code"),
        ("DB_TEST_CHILD_SLOW_SEED", "1"),
        ("RUST_TEST_THREADS", "1"),
    ];
    let run = thread::spawn(move || (place.run("injection::", &seed), place));
    let seeding = "from pg_stat_activity where wait_event = 'PgSleep' and datname like 'dbt%'";
    until(&mut server, &format!("select {seeding}")).await;
    let ended = format!("select pg_terminate_backend(pid) {seeding}");
    sqlx::raw_sql(AssertSqlSafe(ended))
        .execute(&mut server)
        .await
        .expect("it is ended");
    let (ended, _place) = run.join().expect("it does not panic");
    for part in [
        "the session's seed failed",
        "a_result_may_be_returned ... ok",
    ] {
        ended.assert_says(part);
    }
}

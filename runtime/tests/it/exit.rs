//! The end of the process.

use std::{env, fs, process};

use db_test::db_test;
use sqlx::Connection;

use crate::place::Place;

#[db_test]
async fn connections_are_closed_and_lanes_given_back_in_good_order() {
    let place = Place::new();
    let passed = place.run("transactions::", &[]);
    passed.assert_passed();
    let mut connection = place.connect().await;
    let marks: Vec<Option<String>> = sqlx::query_scalar(
        "select shobj_description(oid, 'pg_database') from pg_database where starts_with(datname, 'dbt_')",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the databases can be listed");
    connection.close().await.expect("it closes");
    let clean = |mark: &Option<String>| {
        mark.as_deref()
            .is_some_and(|mark| mark.starts_with("db-test clean"))
    };
    assert!(marks.len() >= 2 && marks.iter().all(clean), "{marks:?}");
    assert!(!place.log().contains("unexpected EOF"), "{}", place.log());
}

#[test]
fn no_socket_is_left_in_the_file_system() {
    // Short, as the path of a socket must be.
    let directory = env::temp_dir().join(format!("dbt-exit-{}", process::id()));
    fs::create_dir_all(&directory).expect("it can be made");
    let place = directory.to_str().expect("it is UTF-8");
    let passed = child::run("transactions::", &[("XDG_RUNTIME_DIR", place)]);
    let left = fs::read_dir(&directory).expect("it is there");
    let left: Vec<_> = left.flatten().map(|entry| entry.path()).collect();
    fs::remove_dir_all(&directory).expect("it can be removed");
    passed.assert_passed();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn statements_are_recorded_where_no_temporary_files_can_be_made() {
    let nowhere = [
        ("XDG_RUNTIME_DIR", "/nonexistent"),
        ("TMPDIR", "/nonexistent"),
    ];
    let passed = child::run("queries::", &nowhere);
    passed.assert_does_not_say("cannot be counted");
    passed.assert_does_not_say("loopback");
}

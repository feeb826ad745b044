//! Test after test on one lane counts like the first.

use child::in_child;
use db_test::{Session, db_test};
use sqlx::{Executor, PgPool, Row};

use crate::place::Place;

fn counting() -> Session {
    Session::postgres()
        .migrations("tests/it/sequences/migrations")
        .seed_sql("insert into counted default values; select setval('ahead', 40, false)")
}

async fn number(pool: &PgPool, sql: &str) -> i64 {
    let row = pool.fetch_one(sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())));
    row.await.expect("there is an answer").get(0)
}

/// What each test of this file finds, and spoils for the next one if it can.
async fn find_and_spoil(pool: PgPool) {
    for (sql, expected) in [
        ("insert into counted default values returning id", 2),
        ("select nextval('small')", 1),
        ("select nextval('small')", 2),
        ("select nextval('ahead')", 40),
        ("select setval('counted_id_seq', 1, false)", 1),
        ("select setval('untouched', 77)", 77),
        ("select last_value from never", 5),
    ] {
        assert_eq!(number(&pool, sql).await, expected, "{sql}");
    }
}

#[db_test(session = counting)]
async fn ids_are_the_same_in_each_test_1(pool: PgPool) {
    find_and_spoil(pool).await;
}

#[db_test(session = counting)]
async fn ids_are_the_same_in_each_test_2(pool: PgPool) {
    find_and_spoil(pool).await;
}

#[db_test(session = counting)]
async fn ids_are_the_same_in_each_test_3(pool: PgPool) {
    find_and_spoil(pool).await;
}

#[db_test(session = counting)]
async fn ids_are_the_same_in_each_test_4(pool: PgPool) {
    find_and_spoil(pool).await;
}

#[db_test(session = counting)]
async fn what_a_connection_has_counted_is_forgotten(pool: PgPool) {
    let error = pool.execute("select lastval()").await;
    let error = error.expect_err("nothing was counted");
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code.as_deref(), Some("55000"));
}

#[db_test]
async fn ids_are_the_same_in_each_run(_pool: PgPool) {
    let place = Place::new();
    for _ in 0..3 {
        let variables = [("RUST_TEST_THREADS", "1")];
        let passed = place.run("sequences::ids_are_the_same_in_each_test", &variables);
        passed.assert_passed();
    }
    let mut connection = place.connect().await;
    let lanes = "select count(*) from pg_database where datname ~ '^dbt_[0-9a-f]+_'";
    let lanes: i64 = sqlx::query_scalar(lanes)
        .fetch_one(&mut connection)
        .await
        .expect("they are counted");
    assert_eq!(lanes, 1, "one lane was used again and again");
    assert!(!in_child());
}

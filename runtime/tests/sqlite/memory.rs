//! `isolation = "memory"`: the template in the one connection of a test's pool.

use std::time::Duration;

use db_test::{Client, Isolation, Queries, Session, TestContext, db_test};
use sqlx::{Connection, SqlitePool, sqlite::SqliteConnectOptions};

use crate::{add, app, names};

#[db_test(isolation = "memory")]
async fn a_pool_has_migrations_and_seeds(pool: SqlitePool) {
    assert_eq!(names(&pool).await, ["seeded"]);
    add(&pool, "ada").await.expect("the name is free");
}

#[db_test(isolation = "memory")]
async fn another_test_writes_the_same(pool: SqlitePool) {
    add(&pool, "ada").await.expect("the name is free");
    assert_eq!(names(&pool).await, ["seeded", "ada"]);
}

#[db_test(isolation = "memory")]
async fn the_application_has_the_same_database(client: Client, pool: SqlitePool) {
    client
        .post("/users/ada")
        .await
        .assert_status(http::StatusCode::CREATED);
    assert_eq!(names(&pool).await, ["seeded", "ada"]);
}

#[db_test(isolation = "memory")]
async fn a_transaction_is_rolled_back_and_foreign_keys_are_enforced(pool: SqlitePool) {
    let mut transaction = pool.begin().await.expect("it begins");
    let refused = sqlx::query("insert into posts (author, title) values (77, 'x')");
    refused
        .execute(&mut *transaction)
        .await
        .expect_err("there is no such user");
    let added = sqlx::query("insert into users (name) values ('ada')");
    added.execute(&mut *transaction).await.expect("it is added");
    transaction.rollback().await.expect("it is rolled back");
    assert_eq!(names(&pool).await, ["seeded"]);
}

#[db_test(isolation = "memory", fixtures("ada"))]
async fn a_fixture_is_there_and_is_no_query(pool: SqlitePool, queries: Queries) {
    assert_eq!(names(&pool).await, ["seeded", "ada"]);
    let all = queries.all();
    assert_eq!(all.len(), 1, "{all:?}");
}

#[db_test(isolation = "memory")]
async fn the_first_statement_is_recorded_also_if_it_is_wrong(pool: SqlitePool, queries: Queries) {
    sqlx::query("select * from nowhere")
        .execute(&pool)
        .await
        .expect_err("there is none");
    let all = queries.all();
    let texts: Vec<_> = all.iter().map(db_test::Query::sql).collect();
    assert_eq!(texts, ["select * from nowhere"]);
    assert_eq!(all[0].error_code(), Some("1"));
}

#[db_test(isolation = "memory")]
async fn what_needs_another_connection_is_refused(cx: TestContext) {
    let options = cx.get::<SqliteConnectOptions>().await;
    let refusals = [
        options.expect_err("there are none").to_string(),
        cx.url().await.expect_err("there is none").to_string(),
    ];
    for refusal in refusals {
        assert!(
            refusal.contains(
                "take `SqlitePool` or `cx.sqlite_pool()`, or write `isolation = \"database\"`"
            ),
            "{refusal}"
        );
    }
}

#[db_test(isolation = "memory")]
async fn a_connection_that_is_closed_takes_the_database_with_it(pool: SqlitePool) {
    let connection = pool.acquire().await.expect("it is free").detach();
    connection.close().await.expect("it is closed");
    let error = pool.acquire().await.expect_err("it is gone").to_string();
    let expected = "the test's database was in memory (isolation = \"memory\"), and went with its one connection";
    assert!(error.contains(expected), "{error}");
}

fn in_memory() -> Session {
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .isolation(Isolation::Memory)
        .acquire_timeout(Duration::from_millis(20))
        .app(|cx| app(cx.sqlite_pool()))
}

#[db_test(session = in_memory)]
async fn a_session_says_it_for_all_and_there_is_one_connection(pool: SqlitePool) {
    let _held = pool.acquire().await.expect("it is free");
    let second = pool.acquire().await;
    assert!(matches!(second, Err(sqlx::Error::PoolTimedOut)));
}

#[db_test(session = in_memory, isolation = "database")]
async fn a_test_of_such_a_session_may_have_a_file(pool: SqlitePool) {
    let _held = pool.acquire().await.expect("it is free");
    pool.acquire().await.expect("there are more");
}

#[db_test(session = crate::adapted, isolation = "memory")]
async fn options_of_the_session_s_own_are_in_force(pool: SqlitePool) {
    assert_eq!(names(&pool).await, ["by code"]);
    let foreign_keys = sqlx::query_scalar::<_, i64>("pragma foreign_keys");
    assert_eq!(foreign_keys.fetch_one(&pool).await.ok(), Some(0));
    // What is of the file goes with the file that was there before the template: SQLite's default.
    let size = sqlx::query_scalar::<_, i64>("pragma cache_size");
    assert_eq!(size.fetch_one(&pool).await.ok(), Some(-2000));
}

fn without_content() -> Session {
    Session::sqlite()
        .migrations(sqlx::migrate::Migrator::DEFAULT)
        .isolation(Isolation::Memory)
}

#[db_test(session = without_content)]
async fn an_empty_database_is_one_too(pool: SqlitePool) {
    let made = sqlx::query("create table notes (text)")
        .execute(&pool)
        .await;
    made.expect("it is made");
}

#[test]
fn it_is_refused_on_postgres() {
    let failed = child::run("on_request::in_memory_on_postgres", &[]);
    failed.assert_failed();
    failed.assert_says(
        "`isolation = \"memory\"` needs SQLite, and the session's database is PostgreSQL",
    );
}

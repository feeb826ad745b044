//! A connection that the server makes to itself would commit outside of the test's transaction.

use child::in_child;
use db_test::{TestContext, db_test};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool, raw_sql};

use crate::{place::Place, templates::Migrations};

const INSERT: &str = r#"select dblink_exec(format('dbname=%s host=%s port=%s user=%s', current_database(),
    trim(both '"' from split_part(current_setting('unix_socket_directories'), ',', 1)), current_setting('port'), session_user),
    'insert into items values (1)')"#;

const COUNT: &str = "select count(*) from items";

#[db_test]
async fn a_connection_of_the_server_to_itself_is_refused_with_the_way_out() {
    let place = Place::new();
    place
        .run("injection::a_result_may_be_returned", &[])
        .assert_passed();
    let migrations = Migrations::new(
        "1_items.sql",
        "create extension dblink; create table items (id int);",
    );
    let url = place.socket().username("postgres").database("postgres");
    let variables = [
        ("TEST_DB_URL", url.to_url_lossy().to_string()),
        ("DB_TEST_CHILD_MIGRATIONS", migrations.path().to_owned()),
        ("DB_TEST_CHILD_SEED", "none".to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    // The second run takes what the first one gave back.
    for _ in 0..2 {
        let passed = place.run("self_connections::in_a_child", &variables);
        passed.assert_passed();
        passed.assert_says("4 passed");
    }
    let mut server = place.connect().await;
    let lanes =
        "select count(*) from pg_database where datname ~ '^dbt_[0-9a-f]+_' and not datallowconn";
    let closed: i64 = sqlx::query_scalar(lanes)
        .fetch_one(&mut server)
        .await
        .expect("they are counted");
    server.close().await.expect("it closes");
    assert_eq!(closed, 0, "each lane was given back, or removed");
}

#[db_test]
async fn in_a_child_it_is_refused(pool: PgPool) {
    if !in_child() {
        return;
    }
    let refused = pool.execute(INSERT).await.expect_err("it would commit");
    let refused = refused.as_database_error().expect("the server refuses it");
    let refused = refused.downcast_ref::<sqlx::postgres::PgDatabaseError>();
    let hint = refused.hint().unwrap_or_default();
    assert!(hint.contains("isolation = \"database\""), "{hint}");
    let count: i64 = sqlx::query_scalar(COUNT)
        .fetch_one(&pool)
        .await
        .expect("they are counted");
    assert_eq!(count, 0);
}

#[db_test(isolation = "database")]
async fn in_a_child_it_is_made_in_a_database_of_its_own(pool: PgPool) {
    if !in_child() {
        return;
    }
    pool.execute(INSERT).await.expect("it commits");
    let count: i64 = sqlx::query_scalar(COUNT)
        .fetch_one(&pool)
        .await
        .expect("they are counted");
    assert_eq!(count, 1);
}

#[db_test]
async fn in_a_child_a_connection_outside_is_still_allowed(cx: TestContext) {
    if !in_child() {
        return;
    }
    let options = cx.outside().await.expect("the session has started");
    let mut outside = PgConnection::connect_with(&options)
        .await
        .expect("it connects");
    raw_sql(COUNT).execute(&mut outside).await.expect("it runs");
    outside.close().await.expect("it closes");
}

#[db_test]
async fn in_a_child_parallel_workers_still_connect(pool: PgPool) {
    if !in_child() {
        return;
    }
    let setting = "select coalesce(min(name), '') from pg_settings where name in ('force_parallel_mode', 'debug_parallel_query')";
    let name: String = sqlx::query_scalar(setting)
        .fetch_one(&pool)
        .await
        .expect("it is there");
    let mut held = pool.acquire().await.expect("it is free");
    let sql = format!("set {name} = on; {COUNT}; reset {name}");
    held.execute(raw_sql(sqlx::AssertSqlSafe(sql)))
        .await
        .expect("the worker starts");
}

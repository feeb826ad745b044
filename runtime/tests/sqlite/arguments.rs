//! What a test may take, and that it sees nothing of other tests.

use axum::Router;
use db_test::{Client, Session, TestContext, db_test};
use sqlx::{
    ConnectOptions, Connection, Executor, Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use crate::{add, names};

#[db_test]
async fn a_pool_has_migrations_and_seeds(pool: SqlitePool) {
    assert_eq!(names(&pool).await, ["seeded"]);
    add(&pool, "ada").await.expect("the name is free");
}

#[db_test]
async fn another_test_writes_the_same(pool: SqlitePool) {
    add(&pool, "ada").await.expect("the name is free");
    assert_eq!(names(&pool).await, ["seeded", "ada"]);
}

#[db_test]
async fn a_connection_sees_what_the_application_commits(
    client: Client,
    mut connection: PoolConnection<Sqlite>,
) {
    client
        .post("/users/ada")
        .await
        .assert_status(http::StatusCode::CREATED);
    let count = sqlx::query_scalar::<_, i64>("select count(*) from users");
    assert_eq!(count.fetch_one(&mut *connection).await.ok(), Some(2));
}

#[db_test]
async fn a_pool_of_the_application_s_own_making_leads_to_the_same_file(
    pool: SqlitePool,
    options: SqliteConnectOptions,
    pool_options: SqlitePoolOptions,
    _router: Router,
) {
    let own = pool_options
        .connect_with(options)
        .await
        .expect("it connects");
    add(&own, "ada").await.expect("it is added");
    assert_eq!(names(&pool).await, ["seeded", "ada"]);
}

#[db_test]
async fn a_url_leads_to_the_same_file(cx: TestContext, pool: SqlitePool) {
    let url = cx.url().await.expect("it has one");
    let mut own = SqliteConnection::connect(&url).await.expect("it connects");
    own.execute("insert into users (name) values ('ada')")
        .await
        .expect("it is added");
    assert_eq!(names(&pool).await, ["seeded", "ada"]);
}

#[db_test(session = crate::adapted)]
async fn options_and_a_seed_of_the_session_s_own(pool: SqlitePool, options: SqliteConnectOptions) {
    assert_eq!(names(&pool).await, ["by code"]);
    let pragma = |name: &'static str| sqlx::query_scalar::<_, i64>(name);
    assert_eq!(
        pragma("pragma foreign_keys").fetch_one(&pool).await.ok(),
        Some(0)
    );
    let mut own = options.connect().await.expect("it connects");
    assert_eq!(
        pragma("pragma cache_size").fetch_one(&mut own).await.ok(),
        Some(77)
    );
}

/// Its function returns options for the file of production.
fn with_options_of_production() -> Session {
    let options = SqliteConnectOptions::new()
        .filename("/nowhere/production.db")
        .create_if_missing(true)
        .pragma("cache_size", "77");
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .sqlite_options(move |_| options.clone())
}

#[db_test(session = with_options_of_production)]
async fn options_of_production_lead_to_the_test_s_file(pool: SqlitePool) {
    assert_eq!(names(&pool).await, [""; 0]);
    let size = sqlx::query_scalar::<_, i64>("pragma cache_size");
    assert_eq!(size.fetch_one(&pool).await.ok(), Some(77));
}

#[db_test(flavor = "current_thread", start_paused = true)]
async fn a_paused_clock_does_not_end_the_wait_for_a_connection(pool: SqlitePool) {
    let one = pool.acquire().await.expect("it connects");
    let two = pool.acquire().await.expect("it connects");
    drop((one, two));
    assert_eq!(names(&pool).await, ["seeded"]);
}

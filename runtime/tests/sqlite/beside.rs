//! A SQLite database beside PostgreSQL, in one session.

use axum::{Router, extract::State, http::StatusCode, routing::post};
use db_test::{BoxError, Client, Queries, Session, TestContext, db_test};
use sqlx::{
    Connection, PgPool, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteQueryResult},
};

pub(crate) fn session() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .sqlite_database("cache", |cache| {
            cache
                .migrations("tests/sqlite/cache")
                .options(|options| options.pragma("cache_size", "77"))
                .seed(|pool| async move {
                    put(&pool, "/").await?;
                    Ok::<_, BoxError>(())
                })
        })
        .app(|cx| app(cx.pool(), cx.sqlite_pool_of("cache")))
}

/// The application: an item, and its page in the cache.
fn app(pool: PgPool, cache: SqlitePool) -> Router {
    let add = async |State((pool, cache)): State<(PgPool, SqlitePool)>, name: String| {
        let added = add(&pool, &name).await;
        let cached = put(&cache, &name).await;
        match added.map(drop).and(cached.map(drop)) {
            Ok(()) => StatusCode::CREATED,
            Err(_) => StatusCode::CONFLICT,
        }
    };
    Router::new()
        .route("/items", post(add))
        .with_state((pool, cache))
}

pub(crate) async fn add(pool: &PgPool, name: &str) -> sqlx::Result<sqlx::postgres::PgQueryResult> {
    let item = sqlx::query("insert into items (name) values ($1)").bind(name);
    item.execute(pool).await
}

pub(crate) async fn put(cache: &SqlitePool, path: &str) -> sqlx::Result<SqliteQueryResult> {
    let page = sqlx::query("insert into pages (path, body) values (?, '')").bind(path);
    page.execute(cache).await
}

async fn paths(cache: &SqlitePool) -> Vec<String> {
    let paths = sqlx::query_scalar("select path from pages order by path");
    paths.fetch_all(cache).await.expect("they are read")
}

#[db_test(session = session)]
async fn the_application_has_both_pools(client: Client, cx: TestContext) {
    let created = client.post("/items").text("/same").await;
    created.assert_status(StatusCode::CREATED);
    assert_eq!(paths(&cx.sqlite_pool_of("cache")).await, ["/", "/same"]);
}

#[db_test(session = session, isolation = "database")]
async fn another_test_writes_the_same_with_its_own_database(client: Client, cx: TestContext) {
    let created = client.post("/items").text("/same").await;
    created.assert_status(StatusCode::CREATED);
    assert_eq!(paths(&cx.sqlite_pool_of("cache")).await, ["/", "/same"]);
}

#[db_test(session = session, flavor = "current_thread", start_paused = true)]
async fn it_is_made_on_any_runtime(cx: TestContext) {
    assert_eq!(paths(&cx.sqlite_pool_of("cache")).await, ["/"]);
}

#[db_test(session = session)]
async fn each_statement_is_recorded_with_its_database(client: Client, queries: Queries) {
    queries
        .expect(2, client.post("/items").text("/first"))
        .await
        .assert_status(StatusCode::CREATED);
    let of = |pattern| {
        queries.matching(pattern)[0]
            .database()
            .map(ToOwned::to_owned)
    };
    assert_eq!(of("insert into items%"), None);
    assert_eq!(of("insert into pages%").as_deref(), Some("cache"));
}

#[db_test(session = session)]
async fn options_and_a_url_lead_to_the_same_file(cx: TestContext) -> sqlx::Result<()> {
    put(&cx.sqlite_pool_of("cache"), "/first").await?;
    let options: SqliteConnectOptions = cx
        .sqlite_connect_options_of("cache")
        .expect("there are some");
    let mut by_options = SqliteConnection::connect_with(&options).await?;
    let size: i64 = sqlx::query_scalar("pragma cache_size")
        .fetch_one(&mut by_options)
        .await?;
    assert_eq!(size, 77);
    by_options.close().await?;
    let url = cx.url_of("cache").await.expect("there is one");
    let by_url = SqlitePool::connect(&url).await?;
    assert_eq!(paths(&by_url).await, ["/", "/first"]);
    Ok(())
}

#[db_test(session = session)]
async fn what_is_of_the_other_kind_names_the_right_call(cx: TestContext) {
    let refused = cx.connect_options_of("cache").expect_err("it is SQLite");
    let expected = "the database `cache` is SQLite, and this method needs PostgreSQL\n\
                    write `cx.sqlite_pool_of(\"cache\")` or `cx.sqlite_connect_options_of(\"cache\")`";
    assert_eq!(refused.to_string(), expected);
}

fn with_postgres_beside() -> Session {
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .sqlite_database("cache", |cache| cache.migrations("tests/sqlite/cache"))
        .database("items", |items| items.migrations("tests/migrations"))
}

#[db_test(session = with_postgres_beside)]
async fn a_session_on_sqlite_may_have_further_databases_of_both_kinds(
    cx: TestContext,
    pool: SqlitePool,
) {
    assert!(crate::names(&pool).await.is_empty());
    assert!(paths(&cx.sqlite_pool_of("cache")).await.is_empty());
    let items = sqlx::query_scalar::<_, i64>("select count(*) from items");
    assert_eq!(items.fetch_one(&cx.pool_of("items")).await.ok(), Some(0));
    let refused = cx
        .sqlite_connect_options_of("items")
        .expect_err("it is PostgreSQL");
    let expected = "the database `items` is PostgreSQL, and this method needs SQLite";
    assert!(refused.to_string().contains(expected), "{refused}");
}

#[db_test(session = session)]
async fn a_savepoint_is_refused_because_a_file_is_in_no_transaction(cx: TestContext) {
    let refused = cx.savepoint().await.expect_err("there is none");
    let expected = "needs PostgreSQL, and the database `cache` of the session is SQLite";
    assert!(refused.to_string().contains(expected), "{refused}");
}

/// Nothing of it can be made.
fn broken() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .sqlite_database("cache", |cache| cache.migrations("tests/sqlite/broken"))
}

#[db_test(session = broken)]
async fn a_database_that_is_not_used_is_not_made(pool: PgPool) {
    add(&pool, "first").await.expect("it is added");
}

#[db_test(session = broken)]
async fn a_migration_that_fails_is_the_cause(cx: TestContext) {
    if child::in_child() {
        cx.sqlite_pool_of("cache");
    }
}

#[test]
fn a_database_that_cannot_be_made_fails_the_test_with_its_cause() {
    let failed = child::run("beside::a_migration_that_fails", &[]);
    failed.assert_failed();
    failed.assert_says("migration `1_users` failed at tests/sqlite/broken/0001_users.sql:2");
}

#[test]
fn the_report_has_a_line_for_each_database() {
    let failed = child::run("on_request::failing_in_both", &[]);
    failed.assert_failed();
    for text in [
        "sandbox  rolled back; nothing escaped\n           cache: its file is removed",
        "[cache] insert into pages (path, body) values (?, '')",
    ] {
        failed.assert_says(text);
    }
}

#[db_test]
async fn both_databases_of_a_failed_test_are_kept() {
    let failed = child::run("on_request::failing_in_both", &[("DB_TEST_KEEP", "failed")]);
    failed.assert_failed();
    failed.assert_says("of `cache`:\n");
    assert!(failed.output.contains("psql "), "{}", failed.output);
    let path = crate::keeping::kept(&failed.output).unwrap_or_else(|| panic!("{}", failed.output));
    let pool = SqlitePool::connect(&format!("sqlite://{path}"))
        .await
        .expect("it opens");
    let found = paths(&pool).await;
    pool.close().await;
    std::fs::remove_file(path).expect("it is there");
    assert_eq!(found, ["/", "/first"]);
}

//! Applications that have a pool of their own, or none.

use axum::{Router, routing::post};
use child::in_child;
use db_test::{Client, Session, db_test};
use sqlx::{ConnectOptions, Connection, PgPool, Postgres, pool::PoolConnection};

use crate::place::Place;

fn app() -> Router {
    Router::new().route("/orders", post(async || "ordered"))
}

/// Its application ignores the test's database, perhaps in favor of one of its own.
fn session() -> Session {
    let session = Session::postgres().migrations("tests/migrations");
    session.app(|_| app())
}

/// Its application is given the test's database, and does not use it.
fn ignoring() -> Session {
    let session = Session::postgres().migrations("tests/migrations");
    session.app(|cx| {
        let _: PgPool = cx.pool();
        app()
    })
}

/// There is nothing in its database, so its application needs none.
fn without_schema() -> Session {
    let session = Session::postgres().migrations(sqlx::migrate::Migrator::DEFAULT);
    session.app(|_| app())
}

#[db_test(session = session)]
async fn of_its_own_once(client: Client) {
    client.post("/orders").await.assert_status_ok();
}

#[db_test(session = session)]
async fn of_its_own_twice(client: Client, pool: PgPool) {
    client.post("/orders").await.assert_status_ok();
    sqlx::query("select 1")
        .execute(&pool)
        .await
        .expect("it is there");
    assert!(!in_child(), "failing on request");
}

#[db_test(session = ignoring)]
async fn ignored_alone(client: Client) {
    client.post("/orders").await.assert_status_ok();
}

#[db_test(session = ignoring)]
async fn ignored_but_asked(client: Client, pool: PgPool) {
    client.post("/orders").await.assert_status_ok();
    sqlx::query("select 1")
        .execute(&pool)
        .await
        .expect("it is there");
}

/// Its application makes its pool by the test's options.
fn by_options() -> Session {
    let session = Session::postgres().migrations("tests/migrations");
    session.app(|cx| {
        let options = cx.connect_options().expect("there are some");
        let pool = PgPool::connect_lazy_with(options);
        let count = async move || {
            let count = sqlx::query_scalar::<_, i64>("select count(*) from items");
            let count = count.fetch_one(&pool).await;
            count.expect("they are counted").to_string()
        };
        Router::new().route("/count", axum::routing::get(count))
    })
}

#[db_test(session = by_options, max_queries_per_request = 0)]
async fn counting(client: Client) {
    if in_child() {
        client.get("/count").await.assert_status_ok();
    }
}

#[db_test(session = by_options, max_queries_per_request = 0)]
async fn counting_while_a_connection_is_held(client: Client, _held: PoolConnection<Postgres>) {
    if in_child() {
        client.get("/count").await.assert_status_ok();
    }
}

#[db_test(session = by_options, max_queries_per_request = 0, isolation = "database")]
async fn counting_in_a_database_of_its_own(client: Client, _held: PoolConnection<Postgres>) {
    if in_child() {
        client.get("/count").await.assert_status_ok();
    }
}

#[db_test(session = by_options, max_queries_per_request = 1)]
async fn counting_twice_while_a_connection_is_held(
    client: Client,
    _held: PoolConnection<Postgres>,
) {
    if in_child() {
        let both = futures_util::future::join(
            client.get("/count").into_future(),
            client.get("/count").into_future(),
        );
        let (one, two) = both.await;
        one.assert_status_ok();
        two.assert_status_ok();
    }
}

#[test]
fn a_query_on_a_pool_of_the_application_s_own_counts_while_the_test_holds_a_connection() {
    for test in ["while_a_connection_is_held", "in_a_database_of_its_own"] {
        let failed = child::run(&format!("own_pool::counting_{test}"), &[]);
        failed.assert_failed_with("GET /count sent 1 queries, but the limit is 0:");
    }
}

#[test]
fn a_query_that_cannot_be_attributed_is_not_taken_for_within_the_limit() {
    let failed = child::run("own_pool::counting_twice", &[]);
    failed.assert_failed_with("cannot tell whether GET /count kept its limit of 1");
}

#[test]
fn a_query_on_a_pool_of_the_application_s_own_counts_for_its_request() {
    let failed = child::run("own_pool::counting", &[]);
    failed.assert_failed_with("GET /count sent 1 queries, but the limit is 0:");
}

#[db_test(session = without_schema)]
async fn needless(client: Client) {
    client.post("/orders").await.assert_status_ok();
}

#[test]
fn an_application_without_the_tests_pool_is_reported_once_with_the_line_to_write() {
    let ended = child::run("own_pool::of_its_own", &[]);
    let expected = "the application was built without cx.pool(), and answered without the test's database; if it has a pool";
    assert_eq!(
        ended.output.matches(expected).count(),
        1,
        "{}",
        ended.output
    );
    let in_report = "  app  the application was built without cx.pool(), and";
    ended.assert_says(in_report);
    ended.assert_says("`.app(|cx| app(cx.pool()))`");
}

#[test]
fn one_that_writes_elsewhere_in_all_tests_is_reported_at_the_end() {
    let ended = child::run("own_pool::ignored_alone", &[]);
    let expected = "answered requests that write, and no test of this run used its database";
    ended.assert_says(expected);
    let ended = child::run("own_pool::ignored", &[]);
    ended.assert_does_not_say(expected);
}

/// Its application has the test's database, and one of its handlers uses a pool of its own.
fn writing_elsewhere() -> Session {
    let session = Session::postgres().migrations("tests/migrations");
    session.app(|cx| {
        let pool = cx.pool();
        let url = std::env::var("DB_TEST_CHILD_ELSEWHERE").unwrap_or_default();
        let elsewhere = PgPool::connect_lazy(&url).ok();
        let count = async move || {
            let count = sqlx::query_scalar::<_, i64>("select count(*) from items");
            let count = count.fetch_one(&pool).await;
            count.expect("they are counted").to_string()
        };
        let order = async move || {
            let orders =
                sqlx::query("create table if not exists orders (password text default 'sesame')");
            let elsewhere = elsewhere.expect("there is a URL");
            orders.execute(&elsewhere).await.expect("it is created");
            "ordered"
        };
        Router::new()
            .route("/count", axum::routing::get(count))
            .route("/orders", post(order))
            .route("/preview", post(async || "shown"))
    })
}

#[db_test(session = writing_elsewhere)]
async fn writes_elsewhere(client: Client) {
    if in_child() {
        client.get("/count").await.assert_status_ok();
        client.post("/preview").await.assert_status_ok();
        client.post("/orders").await.assert_status_ok();
    }
}

#[db_test(session = writing_elsewhere)]
async fn writes_nothing(client: Client) {
    client.get("/count").await.assert_status_ok();
    client.post("/preview").await.assert_status_ok();
}

#[db_test]
async fn one_that_writes_to_another_database_of_the_server_is_reported(_pool: PgPool) {
    let place = Place::new();
    place.run("injection::a_result", &[]).assert_passed();
    let url = |database| {
        let options = place.socket().username("postgres").database(database);
        options.to_url_lossy().to_string()
    };
    let mut admin = place.connect().await;
    let created = sqlx::raw_sql("create database shop").execute(&mut admin);
    created.await.expect("it is created");
    admin.close().await.expect("it closes");
    let variables = [
        ("TEST_DB_URL", url("postgres")),
        ("DB_TEST_CHILD_ELSEWHERE", url("shop")),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, url)| (*name, url.as_str()));
    let passed = place.run("own_pool::writes_elsewhere", &variables);
    passed.assert_passed();
    for part in [
        "own_pool::writes_elsewhere: POST /orders was answered without a statement in the test's database, while `create table",
        "ran in the database `shop`; if it has a pool of its own",
    ] {
        assert_eq!(passed.output.matches(part).count(), 1, "{}", passed.output);
    }
    passed.assert_does_not_say("sesame");
    let passed = place.run("own_pool::writes_nothing", &variables);
    passed.assert_passed();
    passed.assert_does_not_say("POST");
}

#[test]
fn one_that_needs_no_database_is_not_reported() {
    let ended = child::run("own_pool::needless", &[]);
    ended.assert_does_not_say("db-test: it::own_pool");
}

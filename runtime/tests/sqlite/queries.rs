//! Statements are counted and reported as with PostgreSQL.

use db_test::{Client, Queries, db_test};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};

use crate::{add, names};

#[db_test]
async fn each_request_is_counted(client: Client, queries: Queries) {
    queries
        .expect(1, client.get("/users"))
        .await
        .assert_status_ok();
    queries.expect(1, client.post("/users/ada")).await;
    let inserted = queries.matching("insert into users");
    assert_eq!(inserted.len(), 1);
    assert_eq!(inserted[0].rows(), Some(1));
}

#[db_test]
async fn a_statement_whose_first_row_alone_is_read_counts_at_once(
    pool: SqlitePool,
    queries: Queries,
) {
    for _ in 0..50 {
        let first = sqlx::query_scalar::<_, i64>(
            "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n",
        );
        let first = queries.expect(1, first.fetch_one(&pool)).await;
        assert_eq!(first.ok(), Some(1));
    }
}

#[db_test]
async fn a_statement_that_fails_counts_with_its_error(pool: SqlitePool, queries: Queries) {
    add(&pool, "seeded").await.expect_err("it is there");
    sqlx::query("select * from nowhere")
        .execute(&pool)
        .await
        .expect_err("there is none");
    let all = queries.all();
    let codes: Vec<_> = all.iter().map(|query| query.error_code()).collect();
    assert_eq!(codes, [Some("2067"), Some("1")], "{all:?}");
    assert_eq!(all[1].sql(), "select * from nowhere");
}

#[db_test]
async fn what_a_trigger_does_is_not_a_query(pool: SqlitePool, queries: Queries) {
    queries
        .expect(1, add(&pool, "ada"))
        .await
        .expect("it is added");
    let history =
        sqlx::query_scalar::<_, String>("select what from history where what like '%ada'");
    assert_eq!(
        history.fetch_one(&pool).await.ok().as_deref(),
        Some("added ada")
    );
}

#[db_test]
async fn a_pool_of_the_application_s_own_is_counted(
    options: SqliteConnectOptions,
    queries: Queries,
) {
    let own = SqlitePool::connect_with(options)
        .await
        .expect("it connects");
    queries.expect(1, names(&own)).await;
}

#[test]
fn a_limit_for_requests_holds_for_a_pool_of_the_application_s_own() {
    let failed = child::run("own_pool::requesting_once", &[]);
    failed.assert_failed_with("GET /users sent 1 queries, but the limit is 0:");
}

#[test]
fn a_limit_that_cannot_be_checked_fails_the_test() {
    let failed = child::run("own_pool::requesting_at_once", &[]);
    for expected in [
        "cannot tell whether GET /users kept its limit of 1: 2 queries were sent while several requests ran,",
        "give the application the test's pool:",
        "one of several requests, on the application's own connections",
    ] {
        failed.assert_failed_with(expected);
    }
}

#[db_test(max_queries_per_request = 1)]
async fn statements_of_concurrent_handlers_are_counted_for_each(client: Client, queries: Queries) {
    let both = async {
        futures_util::future::join(
            client.get("/users").into_future(),
            client.post("/users/ada").into_future(),
        )
        .await
    };
    queries.expect(2, both).await;
}

#[test]
fn a_limit_that_is_exceeded_fails_the_test() {
    let failed = child::run("on_request::sending_three_queries", &[]);
    failed.assert_failed();
    let expected = "the test sent 3 queries, but the limit is 2:";
    failed.assert_says(expected);
}

#[test]
fn a_limit_for_requests_that_is_exceeded_fails_the_test() {
    let failed = child::run("on_request::requesting", &[]);
    failed.assert_failed();
    let expected = "GET /users sent 1 queries, but the limit is 0:";
    failed.assert_says(expected);
}

#[test]
fn the_report_has_requests_with_their_statements_and_errors() {
    let failed = child::run("on_request::failing_after_requests", &[]);
    failed.assert_failed();
    for expected in [
        "POST /users/ada → 201 in",
        "POST /users/seeded → 409 in",
        "BEGIN",
        "insert into users (name) values (?)  (1 row, ",
        "$1 = 'ada'",
        "error 2067: UNIQUE constraint failed: users.name",
        "its file is removed",
    ] {
        failed.assert_says(expected);
    }
}

#[test]
fn parameters_are_in_the_report_and_secrets_are_not() {
    let failed = child::run("on_request::failing_with_parameters", &[]);
    failed.assert_failed();
    failed.assert_says("select ?2, ?3, ?4, 'literal' where ?1 is not null");
    failed.assert_says("$1 = 7, $2 = 'it''s', $3 = 0.5, $4 = '\\x01ff'");
    failed.assert_says("$1 = 1, $2 = ***");
    assert!(!failed.output.contains("sesame"), "{}", failed.output);
}

/// SQLite cuts off what it logs of a statement that it cannot compile.
#[db_test]
async fn a_long_statement_that_cannot_be_compiled_is_recorded(pool: SqlitePool, queries: Queries) {
    let long = format!(
        "select '{}' from nowhere where token = 'sesame'",
        "ä".repeat(2000)
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(long))
        .execute(&pool)
        .await
        .expect_err("there is no such table");
    let all = queries.all();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].error_code(), Some("1"));
    let text = all[0].sql();
    assert!(
        text.starts_with("select 'äää") && text.ends_with("ä …"),
        "{text}"
    );
}

//! Several databases in one test.

use axum::{Router, extract::State, http::StatusCode, routing::post};
use db_test::{Client, Queries, Session, TestContext, db_test};
use sqlx::{Connection, PgConnection, PgPool};

use crate::{place::Place, shared::limited};

pub(crate) fn session() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .database("analytics", |database| {
            database.migrations("tests/analytics")
        })
        .app(|cx| app(cx.pool(), cx.pool_of("analytics")))
}

/// The application: an item, and a visit of its page.
fn app(pool: PgPool, analytics: PgPool) -> Router {
    let add = async |State((pool, analytics)): State<(PgPool, PgPool)>, name: String| {
        let item = sqlx::query("insert into items (name) values ($1)").bind(&name);
        let added = item.execute(&pool).await;
        let visited = visit(&analytics, &name).await;
        match added.and(visited) {
            Ok(_) => StatusCode::CREATED,
            Err(_) => StatusCode::CONFLICT,
        }
    };
    Router::new()
        .route("/items", post(add))
        .with_state((pool, analytics))
}

pub(crate) async fn visit(
    analytics: &PgPool,
    page: &str,
) -> sqlx::Result<sqlx::postgres::PgQueryResult> {
    let visit = sqlx::query("insert into visits (page) values ($1)").bind(page);
    visit.execute(analytics).await
}

async fn visits(analytics: &PgPool) -> i64 {
    let count = sqlx::query_scalar("select count(*) from visits");
    count.fetch_one(analytics).await.expect("counted")
}

/// Whichever of these two runs second would meet what the first has committed.
async fn commits_in_both(cx: &TestContext) -> sqlx::Result<()> {
    let (pool, analytics) = (cx.pool(), cx.pool_of("analytics"));
    for (pool, insert) in [
        (&pool, "insert into items (name) values ('same')"),
        (&analytics, "insert into visits (page) values ('same')"),
    ] {
        let mut tx = pool.begin().await?;
        sqlx::query(insert).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    assert_eq!(visits(&analytics).await, 1);
    Ok(())
}

#[db_test(session = session)]
async fn what_one_test_commits_in_both(cx: TestContext) -> sqlx::Result<()> {
    commits_in_both(&cx).await
}

#[db_test(session = session)]
async fn another_test_commits_in_both(cx: TestContext) -> sqlx::Result<()> {
    commits_in_both(&cx).await
}

#[db_test(session = session)]
async fn the_application_has_both_pools(client: Client, cx: TestContext) {
    let created = client.post("/items").text("first").await;
    created.assert_status(StatusCode::CREATED);
    assert_eq!(visits(&cx.pool_of("analytics")).await, 1);
}

#[db_test(session = session)]
async fn each_statement_is_recorded_with_its_database(client: Client, queries: Queries) {
    client.post("/items").text("first").await;
    let of = |pattern| {
        queries.matching(pattern)[0]
            .database()
            .map(ToOwned::to_owned)
    };
    assert_eq!(of("insert into items%"), None);
    assert_eq!(of("insert into visits%").as_deref(), Some("analytics"));
}

#[db_test(session = session, isolation = "database")]
async fn both_may_be_databases_of_the_test_s_own(cx: TestContext) -> sqlx::Result<()> {
    let analytics = cx.pool_of("analytics");
    let mut tx = analytics.begin().await?;
    sqlx::query("insert into visits (page) values ('first')")
        .execute(&mut *tx)
        .await?;
    assert_eq!(visits(&analytics).await, 0, "it is not committed yet");
    tx.commit().await?;
    assert_eq!(visits(&analytics).await, 1);
    Ok(())
}

#[db_test(session = session, isolation = "database", flavor = "current_thread")]
async fn a_database_of_its_own_is_waited_for_on_any_runtime(cx: TestContext) {
    assert_eq!(visits(&cx.pool_of("analytics")).await, 0);
}

#[db_test(session = session, isolation = "database")]
async fn tasks_that_ask_for_it_at_the_same_time_wait_for_one(cx: TestContext) {
    let asking = (0..8).map(|number| {
        let cx = cx.clone();
        tokio::spawn(async move {
            visit(&cx.pool_of("analytics"), &number.to_string())
                .await
                .is_ok()
        })
    });
    for answer in asking.collect::<Vec<_>>() {
        assert!(answer.await.expect("it does not panic"));
    }
    assert_eq!(visits(&cx.pool_of("analytics")).await, 8);
}

#[db_test(session = session, flavor = "current_thread", start_paused = true)]
async fn a_paused_clock_waits_for_either_database(cx: TestContext) {
    let analytics = cx.pool_of("analytics");
    for pool in [cx.pool(), analytics.clone()] {
        sqlx::query("select pg_sleep(0.05)")
            .execute(&pool)
            .await
            .expect("sqlx does not run out of time");
    }
    assert_eq!(visits(&analytics).await, 0);
}

#[db_test(session = session)]
async fn a_url_leads_into_the_transaction_of_its_database(cx: TestContext) -> sqlx::Result<()> {
    visit(&cx.pool_of("analytics"), "first").await?;
    let url = cx.url_of("analytics").await.expect("there is one");
    let mut connection = PgConnection::connect(&url).await?;
    let count: i64 = sqlx::query_scalar("select count(*) from visits")
        .fetch_one(&mut connection)
        .await?;
    assert_eq!(count, 1);
    connection.close().await
}

#[db_test(session = session)]
async fn a_savepoint_is_one_in_each_database(cx: TestContext) -> sqlx::Result<()> {
    let start = cx.savepoint().await.expect("no transaction is open");
    commits_in_both(&cx).await?;
    start.restore().await.expect("it is restored");
    commits_in_both(&cx).await
}

#[db_test(session = session)]
async fn an_unknown_name_is_reported_with_those_there_are(cx: TestContext) {
    let error = cx.url_of("analitics").await.expect_err("it is misspelled");
    assert_eq!(
        error.to_string(),
        "the session that the attribute names has no database named `analitics`; it has `analytics`"
    );
}

#[db_test]
async fn a_session_without_further_databases_is_reported_how_to_add_one(cx: TestContext) {
    let error = cx.url_of("analytics").await.expect_err("there is none");
    let text = error.to_string();
    assert!(
        text.contains("add it: `.database(\"analytics\", |database| database.migrations(…))`"),
        "{text}"
    );
}

/// Nothing of it can be made.
pub(crate) fn broken() -> Session {
    Session::postgres().database("analytics", |database| {
        database.migrations("tests/there/is/none")
    })
}

#[db_test(session = broken)]
async fn a_database_that_is_not_used_is_not_made(pool: PgPool) {
    sqlx::query("select 1")
        .execute(&pool)
        .await
        .expect("it answers");
}

#[test]
fn a_database_that_cannot_be_made_is_reported_as_the_cause() {
    for test in ["further::broken_pool", "further::broken_own_database"] {
        let failed = child::run(&format!("on_request::{test}"), &[]);
        failed.assert_failed();
        let cause = "tests/there/is/none could not be read";
        failed.assert_says(cause);
    }
}

#[test]
fn the_report_shows_each_database() {
    let failed = child::run("on_request::further::failing", &[]);
    for text in [
        "sandbox  rolled back; nothing escaped\n           analytics: rolled back; nothing escaped",
        "[analytics] insert into visits (page) values ($1)  (1 row, ",
    ] {
        failed.assert_says(text);
    }
}

#[test]
fn both_databases_of_a_failed_test_are_kept() {
    let place = Place::new();
    let variables = [("DB_TEST_KEEP", "failed")];
    let failed = place.run("on_request::further::failing", &variables);
    let lines = failed.output.matches("psql -h").count();
    assert_eq!(lines, 2, "{}", failed.output);
    failed.assert_says("of `analytics`:\n");
}

#[db_test]
async fn a_role_that_may_not_create_databases_has_none_but_the_first() {
    let place = Place::new();
    let url = limited(&place).await;
    let failed = place.run("on_request::further::failing", &[("TEST_DB_URL", &url)]);
    let cause = "there is none for `analytics`\n           run: ALTER ROLE \"limited\" CREATEDB;";
    failed.assert_says(cause);
}

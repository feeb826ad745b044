//! The tests of the application: each has a file of its own, with what the migrations made.

use axum::http::StatusCode;
use db_test::{Client, Queries, Session, db_test};
use db_test_sqlite::app;
use sqlx::SqlitePool;

#[db_test::session]
fn session() -> Session {
    Session::sqlite().app(|cx| app(cx.sqlite_pool()))
}

#[db_test]
async fn a_note_is_kept(client: Client, pool: SqlitePool) {
    client
        .post("/notes/milk")
        .await
        .assert_status(StatusCode::CREATED);
    let count = sqlx::query_scalar::<_, i64>("select count(*) from notes")
        .fetch_one(&pool)
        .await;
    assert_eq!(count.ok(), Some(1));
}

#[db_test]
async fn a_note_is_kept_once(client: Client) {
    client
        .post("/notes/milk")
        .await
        .assert_status(StatusCode::CREATED);
    client
        .post("/notes/milk")
        .await
        .assert_status(StatusCode::CONFLICT);
    client.get("/notes").await.assert_json(&vec!["milk".to_owned()]);
}

#[db_test(max_queries_per_request = 1)]
async fn listing_takes_one_query(client: Client, queries: Queries) {
    queries
        .expect(1, client.get("/notes"))
        .await
        .assert_status_ok();
}

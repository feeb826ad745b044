//! Several sessions in one test binary.

use axum::{Router, routing::get};
use db_test::{Client, Session, db_test};
use sqlx::PgPool;

/// The tables alone: no application, no seed.
fn repository() -> Session {
    Session::postgres().migrations("tests/docs/guide/migrations")
}

/// Another application with a database of its own.
fn billing() -> Session {
    Session::postgres()
        .migrations("tests/docs/migrations")
        .app(|_| Router::new().route("/invoices", get(async || "none")))
}

#[db_test(session = repository)]
async fn a_repository_starts_empty(pool: PgPool) -> Result<(), sqlx::Error> {
    let count = sqlx::query_scalar("select count(*) from users");
    let users: i64 = count.fetch_one(&pool).await?;
    assert_eq!(users, 0);
    Ok(())
}

#[db_test(session = billing)]
async fn nothing_is_billed_at_first(client: Client) {
    client.get("/invoices").await.assert_text("none");
}

#[db_test]
async fn the_registered_session_is_that_of_all_others(client: Client) {
    client.get("/posts").await.assert_text("[]");
}

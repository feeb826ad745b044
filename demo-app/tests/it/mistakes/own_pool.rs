//! An application that does not take its pool from its state.

use std::env;

use axum::{Router, http::StatusCode, routing::post};
use child::in_child;
use db_test::{Client, Session, db_test};
use sqlx::PgPool;
use tokio::sync::OnceCell;

/// The mistake: the caller cannot choose which database the application uses.
async fn pool() -> sqlx::Result<&'static PgPool> {
    static POOL: OnceCell<PgPool> = OnceCell::const_new();
    let url = env::var("DATABASE_URL").unwrap_or_default();
    POOL.get_or_try_init(async || PgPool::connect(&url).await)
        .await
}

async fn register() -> Result<StatusCode, StatusCode> {
    let sql = "insert into users (email, name) values ('escaped@example.com', 'Escaped')";
    let insert = async { sqlx::query(sql).execute(pool().await?).await };
    insert
        .await
        .map(|_| StatusCode::CREATED)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

fn session() -> Session {
    crate::session().app(|_| Router::new().route("/users", post(register)))
}

/// Writes only in a child: what it writes stays.
#[db_test(session = session)]
async fn a_test_that_passes(client: Client) {
    if in_child() {
        client
            .post("/users")
            .await
            .assert_status(StatusCode::CREATED);
    }
}

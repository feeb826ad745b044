//! The application under test: one route for each kind of use that it makes of its pool.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use sqlx::PgPool;

/// What the application itself waits for in [`three_requests`](crate::observed): an insert and two
/// reads. What begins and commits the transaction of the insert goes to the server with them.
pub(crate) const OWN_ROUND_TRIPS: usize = 3;

/// The statement that is sent once in each test, and so tells where one ends and the next begins.
pub(crate) const INSERT: &str = "insert into users (email) values ($1)";

pub(crate) fn app(pool: PgPool) -> Router {
    Router::new()
        .route("/users", post(add).get(list))
        .route("/users/{email}", get(count))
        .route("/health", get(|| async { "well" }))
        .with_state(pool)
}

async fn add(State(pool): State<PgPool>, Json(email): Json<String>) -> StatusCode {
    let added = async {
        let mut tx = pool.begin().await?;
        sqlx::query(INSERT).bind(email).execute(&mut *tx).await?;
        tx.commit().await
    };
    added.await.expect("the user is new");
    StatusCode::CREATED
}

async fn count(State(pool): State<PgPool>, Path(email): Path<String>) -> Json<i64> {
    let count = sqlx::query_scalar("select count(*) from users where email = $1").bind(email);
    Json(count.fetch_one(&pool).await.expect("users can be counted"))
}

async fn list(State(pool): State<PgPool>) -> Json<Vec<String>> {
    let emails = sqlx::query_scalar("select email from users order by email").fetch_all(&pool);
    Json(emails.await.expect("users can be read"))
}

//! An application that keeps notes in SQLite.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use sqlx::SqlitePool;

/// The application on a pool.
pub fn app(pool: SqlitePool) -> Router {
    Router::new()
        .route("/notes", get(list))
        .route("/notes/{text}", post(add))
        .with_state(pool)
}

async fn list(State(pool): State<SqlitePool>) -> Result<Json<Vec<String>>, StatusCode> {
    let notes = sqlx::query_scalar("select text from notes order by id")
        .fetch_all(&pool)
        .await;
    notes
        .map(Json)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn add(State(pool): State<SqlitePool>, Path(text): Path<String>) -> StatusCode {
    let insert = sqlx::query("insert into notes (text) values (?)").bind(text);
    match insert.execute(&pool).await {
        Ok(_) => StatusCode::CREATED,
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => StatusCode::CONFLICT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

//! The application that the examples of the guide test.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use sqlx::PgPool;

pub(crate) fn app(pool: PgPool) -> Router {
    Router::new()
        .route("/users/{id}/posts", post(write))
        .route("/posts", get(list))
        .with_state(pool)
}

async fn write(
    State(pool): State<PgPool>,
    Path(author): Path<i64>,
    Json(title): Json<String>,
) -> StatusCode {
    let insert = sqlx::query("insert into posts (author, title) values ($1, $2)");
    match insert.bind(author).bind(title).execute(&pool).await {
        Ok(_) => StatusCode::CREATED,
        Err(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

async fn list(State(pool): State<PgPool>) -> Result<Json<Vec<String>>, StatusCode> {
    let titles = sqlx::query_scalar("select title from posts order by id")
        .fetch_all(&pool)
        .await;
    titles
        .map(Json)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

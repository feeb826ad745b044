//! The application of `variants`, on SQLite.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use axum_test::TestServer;
use sqlx::SqlitePool;
use variants::app::{Draft, Filter, Note};

pub fn app(pool: SqlitePool) -> Router {
    Router::new()
        .route("/notes", post(create).get(list))
        .route("/notes/{id}", get(show))
        .with_state(pool)
}

/// A client of the application around a pool, made as db-test makes its own.
pub fn client(pool: SqlitePool) -> TestServer {
    TestServer::builder()
        .mock_transport()
        .save_cookies()
        .build(app(pool))
}

type Answer<T> = Result<T, StatusCode>;

async fn create(
    State(pool): State<SqlitePool>,
    Json(draft): Json<Draft>,
) -> Answer<(StatusCode, Json<Note>)> {
    let insert = "insert into notes (author, text) values ($1, $2) returning id, author, text";
    let mut tx = pool.begin().await.map_err(internal)?;
    let note = sqlx::query_as(insert)
        .bind(draft.author)
        .bind(draft.text)
        .fetch_one(&mut *tx)
        .await
        .map_err(internal)?;
    tx.commit().await.map_err(internal)?;
    Ok((StatusCode::CREATED, Json(note)))
}

async fn show(State(pool): State<SqlitePool>, Path(id): Path<i64>) -> Answer<Json<Note>> {
    let note = sqlx::query_as("select id, author, text from notes where id = $1")
        .bind(id)
        .fetch_optional(&pool)
        .await
        .map_err(internal)?;
    note.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn list(
    State(pool): State<SqlitePool>,
    Query(filter): Query<Filter>,
) -> Answer<Json<Vec<Note>>> {
    let notes = sqlx::query_as("select id, author, text from notes where author = $1 order by id")
        .bind(filter.author)
        .fetch_all(&pool)
        .await
        .map_err(internal)?;
    Ok(Json(notes))
}

#[expect(clippy::needless_pass_by_value, reason = "the form `map_err` calls")]
fn internal(error: sqlx::Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

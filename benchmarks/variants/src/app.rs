//! The application under test; it knows nothing of how it is tested.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

/// What a client sends to make a note.
#[derive(Serialize, Deserialize)]
pub struct Draft {
    pub author: String,
    pub text: String,
}

/// A note as it is answered.
#[derive(Serialize, Deserialize, sqlx::FromRow)]
pub struct Note {
    pub id: i64,
    pub author: String,
    pub text: String,
}

/// Whose notes are listed.
#[derive(Serialize, Deserialize)]
pub struct Filter {
    pub author: String,
}

pub fn app(pool: PgPool) -> Router {
    Router::new()
        .route("/notes", post(create).get(list))
        .route("/notes/{id}", get(show))
        .with_state(pool)
}

type Answer<T> = Result<T, StatusCode>;

async fn create(
    State(pool): State<PgPool>,
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

async fn show(State(pool): State<PgPool>, Path(id): Path<i64>) -> Answer<Json<Note>> {
    let note = sqlx::query_as("select id, author, text from notes where id = $1")
        .bind(id)
        .fetch_optional(&pool)
        .await
        .map_err(internal)?;
    note.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn list(State(pool): State<PgPool>, Query(filter): Query<Filter>) -> Answer<Json<Vec<Note>>> {
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

//! Events: what can be booked.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};

use crate::{
    AppState, CurrentUser, Error,
    fields::{Name, Seats},
    json::Json,
};

/// An event and its seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromRow)]
pub struct Event {
    /// The key.
    pub id: i64,
    /// What the event is called.
    pub name: Name,
    /// The seats there are.
    pub seats: Seats,
    /// The seats that nobody has booked.
    pub seats_left: i32,
}

/// What it takes to announce an event.
#[derive(Debug, Deserialize)]
pub struct NewEvent {
    name: Name,
    seats: Seats,
}

/// The routes of this file.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/events", post(announce))
        .route("/events/{id}", get(show))
}

async fn announce(
    _: CurrentUser,
    State(db): State<PgPool>,
    Json(new): Json<NewEvent>,
) -> Result<(StatusCode, Json<Event>), Error> {
    let event = sqlx::query_as(
        "insert into events (name, seats, seats_left) values ($1, $2, $2) returning *",
    )
    .bind(new.name)
    .bind(new.seats)
    .fetch_one(&db)
    .await?;
    Ok((StatusCode::CREATED, Json(event)))
}

async fn show(State(db): State<PgPool>, Path(id): Path<i64>) -> Result<Json<Event>, Error> {
    sqlx::query_as("select * from events where id = $1")
        .bind(id)
        .fetch_optional(&db)
        .await?
        .map(Json)
        .ok_or(Error::NotFound("event"))
}

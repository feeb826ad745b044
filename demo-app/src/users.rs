//! Users: registration, and who one is.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};

use crate::{
    AppState, CurrentUser, Error,
    error::OnConflict,
    fields::{Email, Name},
    json::Json,
};

/// A registered user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromRow)]
pub struct User {
    /// The key.
    pub id: i64,
    /// The address, which no two users share.
    pub email: Email,
    /// What the user is called.
    pub name: Name,
}

/// What it takes to register.
#[derive(Debug, Deserialize)]
pub struct NewUser {
    email: Email,
    name: Name,
}

/// The routes of this file.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/users", post(register))
        .route("/users/me", get(me))
}

async fn register(
    State(db): State<PgPool>,
    Json(new): Json<NewUser>,
) -> Result<(StatusCode, Json<User>), Error> {
    let user = sqlx::query_as("insert into users (email, name) values ($1, $2) returning *")
        .bind(new.email)
        .bind(new.name)
        .fetch_one(&db)
        .await
        .on_conflict("users_email_key", Error::EmailTaken)?;
    Ok((StatusCode::CREATED, Json(user)))
}

async fn me(CurrentUser(user): CurrentUser) -> Json<User> {
    Json(user)
}

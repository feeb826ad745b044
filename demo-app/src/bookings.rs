//! Bookings: seats change hands in a transaction, or not at all.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{delete, get, post},
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, PgPool};

use crate::{
    AppState, CurrentUser, Error,
    error::OnConflict,
    events::Event,
    fields::Seats,
    json::Json,
    mailer::{Mail, Mailer},
    users::User,
};

/// Seats that a user has booked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromRow)]
pub struct Booking {
    /// The key.
    pub id: i64,
    /// The event.
    pub event_id: i64,
    /// How many seats.
    pub seats: Seats,
}

/// What it takes to book.
#[derive(Debug, Deserialize)]
pub struct NewBooking {
    seats: Seats,
}

/// The routes of this file.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/events/{id}/bookings", post(book))
        .route("/bookings", get(list))
        .route("/bookings/{id}", delete(cancel))
}

async fn book(
    CurrentUser(user): CurrentUser,
    State(db): State<PgPool>,
    State(mailer): State<Arc<dyn Mailer>>,
    Path(event_id): Path<i64>,
    Json(new): Json<NewBooking>,
) -> Result<(StatusCode, Json<Booking>), Error> {
    let mut tx = db.begin().await?;
    match reserve(&mut tx, &user, event_id, new.seats).await {
        Ok((event, booking)) => {
            tx.commit().await?;
            confirm(&*mailer, user, &event, &booking).await;
            Ok((StatusCode::CREATED, Json(booking)))
        }
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}

async fn list(
    CurrentUser(user): CurrentUser,
    State(db): State<PgPool>,
) -> Result<Json<Vec<Booking>>, Error> {
    let bookings =
        sqlx::query_as("select id, event_id, seats from bookings where user_id = $1 order by id")
            .bind(user.id)
            .fetch_all(&db)
            .await?;
    Ok(Json(bookings))
}

async fn cancel(
    CurrentUser(user): CurrentUser,
    State(db): State<PgPool>,
    Path(id): Path<i64>,
) -> Result<StatusCode, Error> {
    let mut tx = db.begin().await?;
    // Every early return drops the transaction, which rolls it back.
    let booking: Booking = sqlx::query_as(
        "delete from bookings where id = $1 and user_id = $2 returning id, event_id, seats",
    )
    .bind(id)
    .bind(user.id)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound("booking"))?;
    sqlx::query("update events set seats_left = seats_left + $2 where id = $1")
        .bind(booking.event_id)
        .bind(booking.seats)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the seats and writes the booking. The caller commits, or undoes what was done until an
/// error.
async fn reserve(
    tx: &mut PgConnection,
    user: &User,
    event_id: i64,
    seats: Seats,
) -> Result<(Event, Booking), Error> {
    // The lock makes others who want the same event's seats wait for the end of this transaction.
    let event: Event = sqlx::query_as("select * from events where id = $1 for update")
        .bind(event_id)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound("event"))?;
    if event.seats_left < seats.get() {
        return Err(Error::SoldOut {
            left: event.seats_left,
        });
    }
    sqlx::query("update events set seats_left = seats_left - $2 where id = $1")
        .bind(event_id)
        .bind(seats)
        .execute(&mut *tx)
        .await?;
    let booking = sqlx::query_as(
        "insert into bookings (event_id, user_id, seats) values ($1, $2, $3)
         returning id, event_id, seats",
    )
    .bind(event_id)
    .bind(user.id)
    .bind(seats)
    .fetch_one(&mut *tx)
    .await
    .on_conflict("one_booking_a_user", Error::AlreadyBooked)?;
    Ok((event, booking))
}

/// Mails the user. The booking stands whether or not the mail goes out.
async fn confirm(mailer: &dyn Mailer, user: User, event: &Event, booking: &Booking) {
    let text = format!(
        "{} seats for {} are yours.",
        booking.seats.get(),
        event.name
    );
    let mail = Mail {
        to: user.email,
        subject: "Your booking",
        text,
    };
    if let Err(error) = mailer.send(mail).await {
        tracing::warn!(%error, booking = booking.id, "the confirmation was not sent");
    }
}

//! Handlers that begin, commit and roll back, inside of a test's own transaction.

use axum::http::StatusCode;
use db_test::{BoxError, Client, FromTest, TestContext, db_test};
use demo_app::{bookings::Booking, events::Event};
use serde_json::json;
use sqlx::{Connection, PgConnection, PgPool};

use crate::outbox::Outbox;

/// An event with three seats.
pub(crate) struct Concert {
    client: Client,
    path: String,
}

impl FromTest for Concert {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let client: Client = cx.get().await?;
        let concert = json!({ "name": "Concert", "seats": 3 });
        let event: Event = client
            .post("/events")
            .json(&concert)
            .expect_success()
            .await
            .json();
        Ok(Self {
            client,
            path: format!("/events/{}", event.id),
        })
    }
}

impl Concert {
    pub(crate) async fn book(&self, seats: i32) -> StatusCode {
        let bookings = format!("{}/bookings", self.path);
        self.client
            .post(&bookings)
            .json(&json!({ "seats": seats }))
            .await
            .status_code()
    }

    pub(crate) async fn seats_left(&self) -> i32 {
        self.client.get(&self.path).await.json::<Event>().seats_left
    }
}

#[db_test]
async fn a_booking_takes_seats(concert: Concert) {
    assert_eq!(concert.book(2).await, StatusCode::CREATED);
    assert_eq!(concert.seats_left().await, 1);
}

#[db_test]
async fn a_booking_that_was_committed_is_invisible_outside_of_the_test(
    concert: Concert,
    cx: TestContext,
) -> Result<(), BoxError> {
    assert_eq!(concert.book(2).await, StatusCode::CREATED);
    let mut outside = PgConnection::connect_with(&cx.outside().await?).await?;
    let bookings: i64 = sqlx::query_scalar("select count(*) from bookings")
        .fetch_one(&mut outside)
        .await?;
    assert_eq!(bookings, 0);
    Ok(())
}

#[db_test]
async fn more_seats_than_are_left_are_a_conflict(concert: Concert) {
    assert_eq!(concert.book(4).await, StatusCode::CONFLICT);
    assert_eq!(concert.seats_left().await, 3);
}

#[db_test]
async fn a_refused_booking_undoes_what_its_transaction_did(concert: Concert) {
    assert_eq!(concert.book(1).await, StatusCode::CREATED);
    // The seat is taken, then the second booking violates a constraint, then both are rolled back.
    assert_eq!(concert.book(1).await, StatusCode::CONFLICT);
    assert_eq!(concert.seats_left().await, 2);
}

#[db_test]
async fn a_canceled_booking_gives_its_seats_back(concert: Concert) {
    assert_eq!(concert.book(2).await, StatusCode::CREATED);
    let bookings: Vec<Booking> = concert.client.get("/bookings").await.json();
    let path = format!("/bookings/{}", bookings[0].id);
    concert
        .client
        .delete(&path)
        .await
        .assert_status(StatusCode::NO_CONTENT);
    assert_eq!(concert.seats_left().await, 3);
}

#[db_test]
async fn somebody_elses_booking_cannot_be_canceled(
    concert: Concert,
    db: PgPool,
) -> sqlx::Result<()> {
    assert_eq!(concert.book(2).await, StatusCode::CREATED);
    let sql = "with grace as (insert into users (email, name) values ('grace@example.com', 'Grace')
               returning id) update bookings set user_id = grace.id from grace returning bookings.id";
    let id: i64 = sqlx::query_scalar(sql).fetch_one(&db).await?;
    let response = concert.client.delete(&format!("/bookings/{id}")).await;
    response.assert_status(StatusCode::NOT_FOUND);
    Ok(())
}

#[db_test]
async fn an_unknown_event_cannot_be_booked(client: Client) {
    let response = client
        .post("/events/4711/bookings")
        .json(&json!({ "seats": 1 }))
        .await;
    response.assert_status(StatusCode::NOT_FOUND);
}

#[db_test]
async fn no_seats_are_no_booking(concert: Concert) {
    assert_eq!(concert.book(0).await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[db_test]
async fn a_booking_is_confirmed_by_mail(concert: Concert, outbox: Outbox) {
    assert_eq!(concert.book(2).await, StatusCode::CREATED);
    assert_eq!(outbox.only_text(), "2 seats for Concert are yours.");
}

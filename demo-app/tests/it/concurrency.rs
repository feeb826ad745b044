//! What needs several connections: a database of the test's own, whose commits are real.

use axum::http::StatusCode;
use db_test::{BoxError, db_test};
use sqlx::{PgPool, postgres::PgListener};

use crate::bookings::Concert;

#[db_test(isolation = "database")]
async fn the_last_seats_are_sold_once(concert: Concert) {
    let (one, two) = tokio::join!(concert.book(3), concert.book(3));
    let mut answers = [one, two];
    answers.sort();
    assert_eq!(answers, [StatusCode::CREATED, StatusCode::CONFLICT]);
    assert_eq!(concert.seats_left().await, 0);
}

#[db_test(isolation = "database")]
async fn a_notification_is_delivered_on_commit(pool: PgPool) -> Result<(), BoxError> {
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("bookings").await?;
    let mut tx = pool.begin().await?;
    sqlx::query("select pg_notify('bookings', 'sold out')")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    assert_eq!(listener.recv().await?.payload(), "sold out");
    Ok(())
}

#[db_test]
async fn other_tests_go_on_in_transactions_meanwhile(concert: Concert) {
    assert_eq!(concert.book(3).await, StatusCode::CREATED);
}

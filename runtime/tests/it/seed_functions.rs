//! Sessions with the same migrations whose seeds are functions.

use db_test::{Session, db_test};
use sqlx::PgPool;

use crate::app::{names, try_add};

fn one() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .seed(|pool| async move { try_add(&pool, "one").await })
}

fn two() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .seed(|pool| async move { try_add(&pool, "two").await })
}

/// The same code with another value.
fn seeded_with(name: &'static str) -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .seed(move |pool| async move { try_add(&pool, name).await })
}

fn three() -> Session {
    seeded_with("three")
}

fn four() -> Session {
    seeded_with("four")
}

#[db_test(session = one)]
async fn a_session_has_the_rows_of_its_function(pool: PgPool) {
    assert_eq!(names(&pool).await, ["one"]);
}

#[db_test(session = two)]
async fn another_session_has_the_rows_of_another_function(pool: PgPool) {
    assert_eq!(names(&pool).await, ["two"]);
}

#[db_test(session = three)]
async fn a_value_that_a_function_captures_is_of_its_session(pool: PgPool) {
    assert_eq!(names(&pool).await, ["three"]);
}

#[db_test(session = four)]
async fn another_value_is_of_another_session(pool: PgPool) {
    assert_eq!(names(&pool).await, ["four"]);
}

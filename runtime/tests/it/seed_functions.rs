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

#[db_test(session = one)]
async fn a_session_has_the_rows_of_its_function(pool: PgPool) {
    assert_eq!(names(&pool).await, ["one"]);
}

#[db_test(session = two)]
async fn another_session_has_the_rows_of_another_function(pool: PgPool) {
    assert_eq!(names(&pool).await, ["two"]);
}

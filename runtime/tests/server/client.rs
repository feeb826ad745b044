//! The program that uses a private server: a test of this binary, run by itself in another process.

use std::io::{BufRead, stdin};

use db_test::db_test;
use sqlx::PgPool;

/// How `--exact` finds the test.
pub(crate) const NAME: &str = "client::uses_the_database";
/// The variable that asks it to stay until its standard input ends, and to run a query for each
/// line of it.
pub(crate) const STAYS: &str = "DB_TEST_CHILD_STAYS";
/// What it says when it has a database.
pub(crate) const JOINED: &str = "joined";
/// What it says after each further query.
pub(crate) const SERVED: &str = "served";

#[db_test(timeout = "5m")]
async fn uses_the_database(pool: PgPool) {
    expect_an_answer(&pool).await;
    if std::env::var_os(STAYS).is_none() {
        return;
    }
    eprintln!("{JOINED}");
    for _line in stdin().lock().lines() {
        expect_an_answer(&pool).await;
        eprintln!("{SERVED}");
    }
}

async fn expect_an_answer(pool: &PgPool) {
    let sum: i32 = sqlx::query_scalar("select 40 + 2")
        .fetch_one(pool)
        .await
        .expect("the server answers");
    assert_eq!(sum, 42);
}

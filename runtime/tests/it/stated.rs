//! Migrations that an attribute states beside those of the session, which decides.

use db_test::db_test;
use sqlx::{
    PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::app::names;

static MIGRATOR: Migrator = sqlx::migrate!("tests/migrations");

#[test]
fn the_same_migrations_are_accepted_silently() {
    let run = child::run("stated::alike", &[]);
    run.assert_passed();
    run.assert_does_not_say("attribute states");
}

#[test]
fn other_migrations_are_reported_once() {
    let run = child::run("stated::unlike", &[("RUST_TEST_THREADS", "1")]);
    run.assert_passed();
    let notes = run
        .output
        .matches("the attribute names other migrations than");
    assert_eq!(notes.count(), 1, "{}", run.output);
}

#[db_test(migrations = "tests/migrations")]
async fn alike_directory(pool: PgPool) {
    assert_eq!(names(&pool).await, ["seeded"]);
}

#[db_test(migrator = "MIGRATOR")]
async fn alike_migrator(pool: PgPool) {
    assert_eq!(names(&pool).await, ["seeded"]);
}

#[db_test(migrations = false)]
async fn unlike_first(pool: PgPool) {
    assert_eq!(names(&pool).await, ["seeded"]);
}

#[db_test(migrations = false)]
async fn unlike_second(pool: PgPool) {
    assert_eq!(names(&pool).await, ["seeded"]);
}

#[db_test]
async fn options_of_a_pool_lead_into_the_transaction(
    pool: PgPoolOptions,
    options: PgConnectOptions,
    tests: PgPool,
) {
    let own = pool
        .max_connections(2)
        .connect_with(options)
        .await
        .expect("it connects");
    sqlx::query("insert into items (name) values ('own')")
        .execute(&own)
        .await
        .expect("it is inserted");
    // The other pool sees it, and the next test with this name in another run does not.
    assert_eq!(names(&tests).await, ["seeded", "own"]);
}

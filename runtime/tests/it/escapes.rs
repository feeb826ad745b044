//! What gets out of the transaction is found, named, and seen by no other test.

use db_test::db_test;
use sqlx::PgPool;

use crate::{app::names, child};

fn is_blamed_and_harms_nobody(filter: &str) {
    let guilty = child::run(filter, &[]);
    assert!(!guilty.success, "{}", guilty.output);
    assert!(
        guilty.output.contains("escaped from its transaction"),
        "{}",
        guilty.output
    );
    let next = child::run("rollback::a_test_starts_from_the_seed", &[]);
    assert!(next.success, "{}", next.output);
}

#[test]
fn a_raw_commit_is_blamed_on_its_test() {
    is_blamed_and_harms_nobody("on_request::committing");
}

#[test]
fn a_transaction_in_the_place_of_the_first_is_noticed() {
    is_blamed_and_harms_nobody("on_request::committing_and_beginning");
}

#[test]
fn a_deferred_constraint_is_checked_at_the_end() {
    let failed = child::run("on_request::violating_a_deferred_constraint", &[]);
    assert!(!failed.success, "{}", failed.output);
    assert!(
        failed.output.contains("in production the commit fails"),
        "{}",
        failed.output
    );
    assert!(
        failed.output.contains("parts_item_fkey"),
        "{}",
        failed.output
    );
}

#[test]
fn an_escape_does_not_pass_for_an_expected_panic() {
    let failed = child::run(
        "on_request::panicking_for_another_reason_than_expected",
        &[],
    );
    assert!(!failed.success, "{}", failed.output);
    assert!(
        failed.output.contains("did not panic as expected"),
        "{}",
        failed.output
    );
}

#[db_test]
async fn a_changed_schema_is_rolled_back(pool: PgPool) {
    sqlx::raw_sql("alter table items add column extra int")
        .execute(&pool)
        .await
        .expect("it is added");
    sqlx::raw_sql("truncate items cascade")
        .execute(&pool)
        .await
        .expect("it is emptied");
    sqlx::query("select * from items")
        .fetch_all(&pool)
        .await
        .expect("it is read with its new column");
}

#[db_test]
async fn plans_made_for_a_rolled_back_schema_are_forgotten(pool: PgPool) {
    sqlx::query("select * from items")
        .fetch_all(&pool)
        .await
        .expect("it is read as it was migrated");
    assert_eq!(names(&pool).await, ["seeded"]);
}

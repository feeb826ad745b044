//! Every way a test can end, and the proof from outside that nothing of it is left.

mod endings;

use db_test::{BoxError, TestContext, db_test};
use sqlx::{Connection, PgConnection};

use crate::child::{Child, Outcome};

#[db_test]
async fn a_test_that_passes_leaves_nothing(cx: TestContext) -> Result<(), BoxError> {
    let outcome = Child::running("rollback::endings", &["passes"]).run();
    outcome.assert_passed();
    assert_eq!(users_after(&outcome, &cx).await?, SEEDED);
    Ok(())
}

#[db_test]
async fn a_test_that_fails_leaves_nothing(cx: TestContext) -> Result<(), BoxError> {
    let outcome = Child::running("rollback::endings", &["fails"]).run();
    outcome.assert_failed_with("the assertion that fails");
    assert_eq!(users_after(&outcome, &cx).await?, SEEDED);
    Ok(())
}

#[db_test]
async fn a_test_that_panics_leaves_nothing(cx: TestContext) -> Result<(), BoxError> {
    let outcome = Child::running("rollback::endings", &["panics_inside_a_transaction"]).run();
    outcome.assert_failed_with("the panic");
    assert_eq!(users_after(&outcome, &cx).await?, SEEDED);
    Ok(())
}

#[db_test]
async fn a_test_that_returns_an_error_leaves_nothing(cx: TestContext) -> Result<(), BoxError> {
    let outcome = Child::running("rollback::endings", &["returns_an_error"]).run();
    outcome.assert_failed_with("the error");
    assert_eq!(users_after(&outcome, &cx).await?, SEEDED);
    Ok(())
}

#[db_test]
async fn a_test_that_takes_too_long_leaves_nothing(cx: TestContext) -> Result<(), BoxError> {
    let outcome = Child::running("rollback::endings", &["takes_too_long"]).run();
    outcome.assert_failed_with("took longer than its limit of 2s");
    assert_eq!(users_after(&outcome, &cx).await?, SEEDED);
    Ok(())
}

/// The users that there are before any test.
const SEEDED: [&str; 1] = ["test@example.com"];

/// The users in the database of the child's test, seen through a connection of our own.
async fn users_after(outcome: &Outcome, cx: &TestContext) -> Result<Vec<String>, BoxError> {
    let database = outcome.said("database")[0];
    let mut outside = PgConnection::connect_with(&cx.outside().await?.database(database)).await?;
    Ok(sqlx::query_scalar("select email from users")
        .fetch_all(&mut outside)
        .await?)
}

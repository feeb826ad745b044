//! Two mistakes that this library is there to prevent, made on purpose in a child.

mod own_pool;
#[expect(
    clippy::disallowed_methods,
    reason = "a runtime for each test is the mistake"
)]
mod static_pool;

use child::Child;
use db_test::{BoxError, TestContext, db_test};
use sqlx::{ConnectOptions, PgPool};

/// In Python: a function-scoped engine, and `RuntimeError: Event loop is closed`.
#[db_test]
async fn a_static_pool_dies_with_one_of_its_tests(cx: TestContext) -> Result<(), BoxError> {
    let child = Child::exactly("mistakes::static_pool", &["one_test", "another_test"]);
    let url = cx.outside().await?.to_url_lossy();
    let outcome = child.threads(2).env("DATABASE_URL", url).run();
    outcome.assert_failed_with("A Tokio 1.x context was found, but it is being shutdown.");
    Ok(())
}

/// In Python: the application's own engine, made when it is first needed.
#[db_test(isolation = "database")]
async fn a_pool_of_the_applications_own_writes_for_good(
    cx: TestContext,
    pool: PgPool,
) -> Result<(), BoxError> {
    let url = cx.connect_options()?.to_url_lossy();
    let child = Child::exactly("mistakes::own_pool", &["a_test_that_passes"]);
    child.env("DATABASE_URL", &url).run().assert_passed();
    let select = "select count(*) from users where email = 'escaped@example.com'";
    let escaped: i64 = sqlx::query_scalar(select).fetch_one(&pool).await?;
    assert_eq!(escaped, 1, "the row is there after the test");
    Ok(())
}

//! One runtime for the whole process. In Python: one event loop for the session.

use std::sync::OnceLock;

use db_test::{BoxError, TestContext, db_test};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{
    runtime::{Handle, Id},
    sync::OnceCell,
};

static RUNTIME: OnceLock<Id> = OnceLock::new();

#[db_test]
async fn this_test_has_the_runtime_of_the_process() {
    let id = Handle::current().id();
    assert_eq!(id, *RUNTIME.get_or_init(|| id));
}

#[db_test]
async fn and_so_has_this_test() {
    let id = Handle::current().id();
    assert_eq!(id, *RUNTIME.get_or_init(|| id));
}

/// A pool that whichever test is first opens, and the others use. `mistakes` shows the same with
/// `#[tokio::test]`.
static POOL: OnceCell<PgPool> = OnceCell::const_new();

async fn pool(cx: &TestContext) -> Result<&'static PgPool, BoxError> {
    let open = async || {
        Ok(PgPoolOptions::new()
            .connect_with(cx.outside().await?)
            .await?)
    };
    POOL.get_or_try_init(open).await
}

#[db_test]
async fn a_pool_that_one_test_opens(cx: TestContext) -> Result<(), BoxError> {
    let one: i32 = sqlx::query_scalar("select 1")
        .fetch_one(pool(&cx).await?)
        .await?;
    assert_eq!(one, 1);
    Ok(())
}

#[db_test]
async fn is_usable_in_another_test(cx: TestContext) -> Result<(), BoxError> {
    let one: i32 = sqlx::query_scalar("select 1")
        .fetch_one(pool(&cx).await?)
        .await?;
    assert_eq!(one, 1);
    Ok(())
}

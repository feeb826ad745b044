//! A static pool and `#[tokio::test]`, which gives each test a runtime of its own.
//!
//! A connection belongs to the runtime on which it was opened. The tests meet at the worst moment
//! on purpose; in a real suite they do so now and then.

use std::env;

use child::in_child;
use sqlx::PgPool;
use tokio::sync::{Notify, OnceCell};

static POOL: OnceCell<PgPool> = OnceCell::const_new();
static OPEN: Notify = Notify::const_new();
static BUSY: Notify = Notify::const_new();

async fn pool() -> sqlx::Result<&'static PgPool> {
    let url = env::var("DATABASE_URL").unwrap_or_default();
    POOL.get_or_try_init(async || PgPool::connect(&url).await)
        .await
}

#[tokio::test]
async fn one_test() -> sqlx::Result<()> {
    if in_child() {
        pool().await?;
        OPEN.notify_one();
        BUSY.notified().await;
    }
    Ok(())
}

#[tokio::test]
async fn another_test() -> sqlx::Result<()> {
    if in_child() {
        OPEN.notified().await;
        let mut connection = pool().await?.acquire().await?;
        BUSY.notify_one();
        sqlx::query("select pg_sleep(5)")
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

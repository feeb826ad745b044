//! One test of each kind, on the oldest versions that are allowed.

use db_test::{FromTest, Session, db_test};
use sqlx::PgPool;

#[db_test::session]
fn session() -> Session {
    Session::postgres().seed_sql("create table items (name text)")
}

#[derive(FromTest)]
struct Shop {
    pool: PgPool,
}

#[db_test]
async fn the_oldest_versions_work(shop: Shop) -> sqlx::Result<()> {
    let count: i64 = sqlx::query_scalar("select count(*) from items")
        .fetch_one(&shop.pool)
        .await?;
    assert_eq!(count, 0);
    Ok(())
}

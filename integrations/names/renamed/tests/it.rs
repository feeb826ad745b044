//! `Cargo.toml` calls the dependency `harness`.

use harness::{FromTest, Session, db_test};
use sqlx::PgPool;

#[harness::session]
fn session() -> Session {
    Session::postgres().seed_sql("create table items (name text)")
}

#[derive(FromTest)]
struct Shop {
    pool: PgPool,
}

#[db_test]
async fn a_renamed_dependency_is_found(shop: Shop) -> sqlx::Result<()> {
    let count: i64 = sqlx::query_scalar("select count(*) from items")
        .fetch_one(&shop.pool)
        .await?;
    assert_eq!(count, 0);
    Ok(())
}

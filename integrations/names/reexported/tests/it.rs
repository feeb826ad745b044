//! The crate comes from another one of the workspace.

use db_test_names_support::db_test::{self, FromTest, Session};
use sqlx::PgPool;

#[db_test::session(crate = db_test)]
fn session() -> Session {
    Session::postgres().seed_sql("create table items (name text)")
}

#[derive(FromTest)]
#[from_test(crate = db_test)]
struct Shop {
    pool: PgPool,
}

#[db_test::db_test(crate = db_test)]
async fn a_reexport_is_named(shop: Shop) -> sqlx::Result<()> {
    let count: i64 = sqlx::query_scalar("select count(*) from items")
        .fetch_one(&shop.pool)
        .await?;
    assert_eq!(count, 0);
    Ok(())
}

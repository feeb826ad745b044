//! Without a session function there is still a database, made from `migrations/` if there is one,
//! or from what the attribute states.

use db_test::db_test;
use sqlx::{PgPool, migrate::Migrator};

static MIGRATOR: Migrator = sqlx::migrate!("tests/migrations");

#[db_test]
async fn a_pool_is_all_that_a_test_needs(pool: PgPool) -> sqlx::Result<()> {
    sqlx::raw_sql("create table notes (text text)")
        .execute(&pool)
        .await?;
    sqlx::query("insert into notes values ('one')")
        .execute(&pool)
        .await?;
    let notes: i64 = sqlx::query_scalar("select count(*) from notes")
        .fetch_one(&pool)
        .await?;
    assert_eq!(notes, 1);
    Ok(())
}

#[db_test]
async fn what_another_test_created_is_not_there(pool: PgPool) {
    let tables = "select count(*) from information_schema.tables where table_name = 'notes'";
    let tables: i64 = sqlx::query_scalar(tables)
        .fetch_one(&pool)
        .await
        .expect("tables can be counted");
    assert_eq!(tables, 0);
}

async fn items(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from items")
        .fetch_one(pool)
        .await
}

#[db_test(migrations = "tests/migrations")]
async fn migrations_may_be_a_directory_of_the_attribute(pool: PgPool) {
    assert_eq!(items(&pool).await.expect("the table is there"), 0);
}

#[db_test(migrator = "crate::MIGRATOR")]
async fn or_a_static(pool: PgPool) {
    assert_eq!(items(&pool).await.expect("the table is there"), 0);
}

#[db_test(migrations = false)]
async fn or_none(pool: PgPool) {
    items(&pool).await.expect_err("there is no table");
}

// macros/tests/ui/borrowed_what_cannot_be_owned.stderr: mut conn: sqlx::pool::PoolConnection<sqlx::Postgres>
// macros/tests/ui/borrowed_what_cannot_be_owned.stderr: pool: sqlx::PgPool
// macros/tests/ui/borrowed_what_cannot_be_owned.stderr: pool.begin().await
use db_test::db_test;

#[db_test]
async fn reads(mut conn: sqlx::pool::PoolConnection<sqlx::Postgres>) -> sqlx::Result<()> {
    sqlx::query("select 1").execute(&mut *conn).await?;
    Ok(())
}

#[db_test]
async fn writes(pool: sqlx::PgPool) -> sqlx::Result<()> {
    pool.begin().await?.commit().await
}

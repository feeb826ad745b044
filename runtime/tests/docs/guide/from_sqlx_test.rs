//! What tests under `#[sqlx::test]` become.

use db_test::{Session, db_test};
use sqlx::{
    PgPool, Postgres,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

static MIGRATOR: Migrator = sqlx::migrate!("tests/docs/guide/migrations");

fn from_a_directory() -> Session {
    Session::postgres().migrations("tests/docs/guide/migrations")
}

fn from_a_migrator() -> Session {
    Session::postgres().migrations(&MIGRATOR)
}

fn without_migrations() -> Session {
    Session::postgres().migrations(Migrator::DEFAULT)
}

#[db_test(session = from_a_directory, fixtures("users"))]
async fn a_pool(pool: PgPool) -> sqlx::Result<()> {
    let count = sqlx::query_scalar("select count(*) from users");
    let users: i64 = count.fetch_one(&pool).await?;
    assert_eq!(users, 2);
    Ok(())
}

#[db_test(session = from_a_migrator)]
async fn a_connection(mut connection: PoolConnection<Postgres>) -> sqlx::Result<()> {
    sqlx::query("select * from users")
        .execute(&mut *connection)
        .await?;
    Ok(())
}

#[db_test(session = from_a_directory)]
async fn options(pool: PgPoolOptions, options: PgConnectOptions) -> sqlx::Result<()> {
    let pool = pool.max_connections(2).connect_with(options).await?;
    sqlx::query("select * from users").execute(&pool).await?;
    Ok(())
}

#[db_test(migrations = "tests/docs/guide/migrations")]
async fn a_directory_on_the_attribute(pool: PgPool) -> sqlx::Result<()> {
    sqlx::query("select * from users").execute(&pool).await?;
    Ok(())
}

#[db_test(migrator = "crate::from_sqlx_test::MIGRATOR")]
async fn a_migrator_on_the_attribute(pool: PgPool) -> sqlx::Result<()> {
    sqlx::query("select * from users").execute(&pool).await?;
    Ok(())
}

#[db_test(flavor = "current_thread", session = from_a_directory)]
async fn a_runtime_of_its_own(pool: PgPool) -> sqlx::Result<()> {
    sqlx::query("select * from users").execute(&pool).await?;
    Ok(())
}

#[db_test(session = without_migrations)]
async fn an_empty_database(pool: PgPool) -> sqlx::Result<()> {
    sqlx::query("create table users (email text)")
        .execute(&pool)
        .await?;
    Ok(())
}

#[db_test(
    session = from_a_directory,
    fixtures("users"),
    fixtures("./fixtures/posts.sql"),
    fixtures(path = "../guide/fixtures", scripts("posts"))
)]
async fn fixtures_in_every_form(pool: PgPool) -> sqlx::Result<()> {
    let count = sqlx::query_scalar("select count(*) from posts");
    let posts: i64 = count.fetch_one(&pool).await?;
    assert_eq!(posts, 2);
    Ok(())
}

#[db_test]
async fn no_database_at_all() {
    tokio::task::yield_now().await;
}

//! Without a session function, a test's arguments tell that its database is SQLite; the forms of
//! `#[sqlx::test]`.

use db_test::test;
use sqlx::{
    Connection, Sqlite, SqliteConnection, SqlitePool,
    migrate::Migrator,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

static MIGRATOR: Migrator = sqlx::migrate!("tests/sqlite/migrations");

const COUNT: &str = "select count(*) from users";

#[test(migrations = "tests/sqlite/migrations")]
async fn a_pool(pool: SqlitePool) {
    let count = sqlx::query_scalar::<_, i64>(COUNT).fetch_one(&pool).await;
    assert_eq!(count.ok(), Some(0));
}

#[test(migrator = "MIGRATOR", fixtures("ada"))]
async fn a_migrator_and_a_fixture(mut connection: PoolConnection<Sqlite>) {
    let count = sqlx::query_scalar::<_, i64>(COUNT)
        .fetch_one(&mut *connection)
        .await;
    assert_eq!(count.ok(), Some(1));
}

#[test(migrations = false)]
async fn no_migrations(pool: SqlitePool) {
    sqlx::query(COUNT)
        .execute(&pool)
        .await
        .expect_err("there is no such table");
}

#[test(migrations = "tests/sqlite/migrations")]
async fn options_of_both(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
) -> sqlx::Result<()> {
    let pool = pool
        .max_connections(1)
        .connect_with(options.clone())
        .await?;
    sqlx::query("insert into users (name) values ('ada')")
        .execute(&pool)
        .await?;
    let mut other = SqliteConnection::connect_with(&options).await?;
    let count: i64 = sqlx::query_scalar(COUNT).fetch_one(&mut other).await?;
    assert_eq!(count, 1);
    Ok(())
}

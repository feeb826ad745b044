use db_test::db_test;

#[db_test]
async fn reads(conn: &mut sqlx::PgConnection) {}

#[db_test]
async fn compares(name: &str, others: &[u8]) {}

#[db_test]
async fn writes(tx: &mut sqlx::Transaction<'_, sqlx::Postgres>) {}

fn main() {}

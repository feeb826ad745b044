//! Tests that commit and hide it.

use db_test::db_test;
use sqlx::{AssertSqlSafe, Connection, Executor, PgPool, raw_sql};

use crate::child::asked_to_fail;

#[db_test]
async fn in_a_long_statement(pool: PgPool) {
    if asked_to_fail() {
        let text = "x".repeat(300_000);
        let sql = format!("commit; begin; select length('{text}')");
        pool.execute(raw_sql(AssertSqlSafe(sql))).await.ok();
        pool.execute("select 1").await.ok();
    }
}

#[db_test]
async fn and_closing_the_connection(pool: PgPool) {
    if asked_to_fail() {
        let mut held = pool.acquire().await.expect("it is free");
        held.execute("commit").await.expect("it commits");
        held.detach().close().await.expect("it closes");
    }
}

#[db_test]
async fn and_leaking_the_connection(pool: PgPool) {
    if asked_to_fail() {
        let mut held = pool.acquire().await.expect("it is free");
        held.execute("commit").await.expect("it commits");
        tokio::spawn(async move { held.execute("select pg_sleep(20)").await });
    }
}

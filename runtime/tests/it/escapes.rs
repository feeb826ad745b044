//! What ends a transaction ends that of the test's connection, and never the one around the test.

use db_test::{TestContext, db_test};
use sqlx::{Connection, Executor, PgConnection, PgPool, raw_sql};

use crate::app::{names, try_add};

/// What is really committed, by a connection outside of the test's transaction.
async fn committed(cx: &TestContext) -> Vec<String> {
    let options = cx.outside().await.expect("the session has started");
    let mut connection = PgConnection::connect_with(&options)
        .await
        .expect("it connects");
    let names = sqlx::query_scalar("select name from items order by id");
    let names = names
        .fetch_all(&mut connection)
        .await
        .expect("they are read");
    connection.close().await.expect("it closes");
    names
}

#[db_test]
async fn a_raw_commit_commits_for_the_test_alone(cx: TestContext, pool: PgPool) {
    for sql in [
        "insert into items (name) values ('a'); commit",
        "begin; insert into items (name) values ('b'); commit; begin",
        "begin; /* x */ Commit Work And Chain; insert into items (name) values ('c'); end transaction",
    ] {
        let mut held = pool.acquire().await.expect("it is free");
        held.execute(raw_sql(sql)).await.expect("it is done");
        held.close().await.expect("it closes");
    }
    assert_eq!(names(&pool).await, ["seeded", "a", "b", "c"]);
    assert_eq!(committed(&cx).await, ["seeded"]);
}

#[db_test]
async fn a_raw_rollback_undoes_what_its_connection_did(pool: PgPool) {
    try_add(&pool, "before").await.expect("it is added");
    let sql = "begin; insert into items (name) values ('undone'); abort";
    pool.execute(raw_sql(sql)).await.expect("it is done");
    assert_eq!(names(&pool).await, ["seeded", "before"]);
}

#[db_test]
async fn a_commit_in_a_long_statement_is_one(cx: TestContext, pool: PgPool) {
    let text = "x".repeat(300_000);
    let sql = format!("insert into items (name) values ('a'); commit; select length('{text}')");
    let sql = raw_sql(sqlx::AssertSqlSafe(sql));
    pool.execute(sql).await.expect("it is done");
    assert_eq!(committed(&cx).await, ["seeded"]);
}

#[db_test]
async fn a_deferred_constraint_is_checked_by_the_commit(pool: PgPool) {
    let mut tx = pool.begin().await.expect("it begins");
    let orphan = "insert into parts (item) values (987654321)";
    tx.execute(orphan).await.expect("it is not checked yet");
    let refused = tx
        .commit()
        .await
        .expect_err("its item is missing")
        .to_string();
    assert!(refused.contains("parts_item_fkey"), "{refused}");
    let refused = pool.execute(orphan).await.expect_err("its item is missing");
    assert!(refused.to_string().contains("parts_item_fkey"), "{refused}");
    assert_eq!(names(&pool).await, ["seeded"]);
}

#[db_test]
async fn a_changed_schema_is_rolled_back(pool: PgPool) {
    raw_sql("alter table items add column extra int")
        .execute(&pool)
        .await
        .expect("it is added");
    raw_sql("truncate items cascade")
        .execute(&pool)
        .await
        .expect("it is emptied");
    sqlx::query("select * from items")
        .fetch_all(&pool)
        .await
        .expect("it is read with its new column");
}

#[db_test]
async fn plans_made_for_a_rolled_back_schema_are_forgotten(pool: PgPool) {
    sqlx::query("select * from items")
        .fetch_all(&pool)
        .await
        .expect("it is read as it was migrated");
    assert_eq!(names(&pool).await, ["seeded"]);
}

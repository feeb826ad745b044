//! Savepoints: returning to a place in the test's transaction.

use db_test::{BoxError, Client, TestContext, db_test};
use proptest::{prop_assert_eq, test_runner::TestRunner};
use sqlx::PgPool;

use crate::app::{names, try_add};

#[db_test]
async fn a_restored_savepoint_has_forgotten_what_came_after(
    cx: TestContext,
    pool: PgPool,
    client: Client,
) -> Result<(), BoxError> {
    try_add(&pool, "before").await?;
    let start = cx.savepoint().await?;
    for _ in 0..3 {
        try_add(&pool, "after").await?;
        let mut tx = pool.begin().await?;
        sqlx::query("delete from items").execute(&mut *tx).await?;
        tx.commit().await?;
        try_add(&pool, "later").await?;
        start.restore().await?;
        client
            .get("/items")
            .await
            .assert_json(&["seeded", "before"].map(String::from));
    }
    Ok(())
}

#[db_test]
async fn a_failed_statement_does_not_spoil_a_savepoint(
    cx: TestContext,
    pool: PgPool,
) -> Result<(), BoxError> {
    let start = cx.savepoint().await?;
    try_add(&pool, "once").await?;
    try_add(&pool, "once").await.expect_err("the name is taken");
    start.restore().await?;
    assert_eq!(names(&pool).await, ["seeded"]);
    Ok(())
}

#[db_test]
async fn an_older_savepoint_takes_the_newer_ones_with_it(
    cx: TestContext,
    pool: PgPool,
) -> Result<(), BoxError> {
    let older = cx.savepoint().await?;
    try_add(&pool, "between").await?;
    let newer = cx.savepoint().await?;
    newer.restore().await?;
    assert_eq!(names(&pool).await, ["seeded", "between"]);
    older.restore().await?;
    let gone = newer.restore().await.expect_err("it is gone").to_string();
    assert!(gone.contains("an older one was restored"), "{gone}");
    older.restore().await?;
    assert_eq!(names(&pool).await, ["seeded"]);
    Ok(())
}

#[db_test]
async fn a_savepoint_says_when_a_transaction_is_open(
    cx: TestContext,
    pool: PgPool,
) -> Result<(), BoxError> {
    let start = cx.savepoint().await?;
    let tx = pool.begin().await?;
    let refused = start.restore().await.expect_err("it is open").to_string();
    assert!(refused.contains("must have ended"), "{refused}");
    tx.commit().await?;
    start.restore().await?;
    Ok(())
}

#[db_test]
async fn a_schema_that_a_restore_takes_back_leaves_no_plans(
    cx: TestContext,
    pool: PgPool,
) -> Result<(), BoxError> {
    let start = cx.savepoint().await?;
    for definition in ["(value int)", "(value text)"] {
        let create = sqlx::AssertSqlSafe(format!("create table fleeting {definition}"));
        sqlx::query(create).execute(&pool).await?;
        sqlx::query("select value from fleeting")
            .fetch_all(&pool)
            .await?;
        start.restore().await?;
    }
    Ok(())
}

#[db_test(isolation = "database")]
async fn a_database_of_its_own_has_no_savepoints(cx: TestContext) {
    let refused = cx.savepoint().await.expect_err("there is none").to_string();
    assert!(refused.contains("remove the option"), "{refused}");
}

#[db_test]
async fn each_case_of_a_property_starts_from_the_savepoint(
    cx: TestContext,
    pool: PgPool,
) -> Result<(), BoxError> {
    let start = cx.savepoint().await?;
    TestRunner::default().run(&"[a-z]{1,3}", |name| {
        start.case(async {
            try_add(&pool, &name).await?;
            prop_assert_eq!(names(&pool).await, ["seeded", name.as_str()]);
            Ok(())
        })
    })?;
    Ok(())
}

#[db_test]
async fn a_property_that_does_not_hold_is_shrunk(
    cx: TestContext,
    pool: PgPool,
) -> Result<(), BoxError> {
    let start = cx.savepoint().await?;
    let broken = TestRunner::default().run(&(0..1000_u32), |number| {
        start.case(async {
            try_add(&pool, &number.to_string()).await?;
            assert!(names(&pool).await[1].len() < 3, "too long");
            Ok(())
        })
    });
    let text = broken.expect_err("it does not hold").to_string();
    assert!(text.contains("minimal failing input: 100"), "{text}");
    Ok(())
}

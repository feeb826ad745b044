//! The report of a test that fails after it has waited for `current_timestamp` to move says that it
//! stands still.

/// What is waited for in the child.
mod waiting {
    use std::time::Duration;

    use db_test::db_test;
    use sqlx::PgPool;

    use child::in_child;

    async fn comes_due(pool: &PgPool) -> sqlx::Result<bool> {
        let due: String = sqlx::query_scalar("select (current_timestamp + interval '50 ms')::text")
            .fetch_one(pool)
            .await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        sqlx::query_scalar("select $1::timestamptz <= current_timestamp as due")
            .bind(due)
            .fetch_one(pool)
            .await
    }

    #[db_test]
    async fn and_failing(pool: PgPool) -> sqlx::Result<()> {
        assert_eq!(comes_due(&pool).await?, in_child());
        Ok(())
    }

    #[db_test]
    async fn and_passing(pool: PgPool) -> sqlx::Result<()> {
        assert!(!comes_due(&pool).await?);
        Ok(())
    }
}

#[test]
fn who_waits_for_it_and_fails_reads_that_it_stands_still() {
    let failed = child::run("standing_clock::waiting::and_failing", &[]);
    failed.assert_failed();
    let expected = "`select $1::timestamptz <= current_timestamp as due` had the time at which the test's transaction began";
    for part in [expected, "clock_timestamp()"] {
        failed.assert_says(part);
    }
}

#[test]
fn who_waits_for_it_and_passes_reads_nothing_of_it() {
    let passed = child::run("standing_clock::waiting::and_passing", &[]);
    passed.assert_passed();
    passed.assert_does_not_say("current_timestamp");
}

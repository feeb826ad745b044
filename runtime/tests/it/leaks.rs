//! Tasks that outlive their test, and connections that are held for too long.

use db_test::db_test;
use sqlx::PgPool;

use crate::{app::names, child};

#[test]
fn a_task_that_outlives_its_test_cannot_touch_the_next() {
    let both = child::run("leaks::in_order::", &[("RUST_TEST_THREADS", "1")]);
    assert!(both.success, "{}", both.output);
}

mod in_order {
    use std::sync::OnceLock;

    use super::{PgPool, child, db_test, names};

    static LEAKED: OnceLock<PgPool> = OnceLock::new();

    #[db_test]
    async fn a_first_test_leaks_its_pool_and_a_task_that_holds_the_connection(pool: PgPool) {
        LEAKED.set(pool.clone()).expect("it is set once");
        if child::asked_to_fail() {
            let mut held = pool.acquire().await.expect("it is free");
            tokio::spawn(async move {
                sqlx::query("select pg_sleep(20)")
                    .execute(&mut *held)
                    .await
                    .ok();
                sqlx::query("insert into items (name) values ('leaked')")
                    .execute(&mut *held)
                    .await
                    .ok();
            });
        }
    }

    #[db_test]
    async fn b_second_test_sees_nothing_of_it(pool: PgPool) {
        if let Some(leaked) = LEAKED.get() {
            let closed = leaked.acquire().await.expect_err("the pool is closed");
            assert!(matches!(closed, sqlx::Error::PoolClosed), "{closed}");
        }
        assert_eq!(names(&pool).await, ["seeded"]);
    }
}

#[db_test]
async fn a_second_acquire_waits_for_a_release(pool: PgPool) {
    let held = pool.acquire().await.expect("it is free");
    tokio::spawn(async move {
        tokio::task::yield_now().await;
        drop(held);
    });
    pool.acquire().await.expect("it is free again");
}

#[test]
fn a_pool_that_is_held_fails_in_seconds_and_says_why() {
    let failed = child::run("on_request::holding_the_connection", &[]);
    assert!(!failed.success, "{}", failed.output);
    assert!(failed.output.contains("PoolTimedOut"), "{}", failed.output);
    assert!(
        failed
            .output
            .contains("the test's one connection was held for"),
        "{}",
        failed.output
    );
}

#[test]
fn a_test_that_takes_too_long_tells_what_its_connection_was_doing() {
    let failed = child::run("on_request::slow", &[]);
    assert!(
        failed.output.contains("select pg_sleep(60)"),
        "{}",
        failed.output
    );
    assert!(
        failed.output.contains("it was waiting for Timeout PgSleep"),
        "{}",
        failed.output
    );
}

#[test]
fn a_test_that_blocks_its_thread_does_not_pass_over_its_limit() {
    let failed = child::run("on_request::blocking_its_thread", &[]);
    assert!(!failed.success, "{}", failed.output);
    assert!(
        failed.output.contains("the body blocked its thread"),
        "{}",
        failed.output
    );
}

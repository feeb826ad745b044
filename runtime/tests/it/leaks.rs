//! Tasks and connections that outlive their test, and tests that take too long.

use std::sync::Mutex;

use child::in_child;
use db_test::{BoxError, FromTest, TestContext, db_test};
use sqlx::PgPool;

use crate::app::names;

#[test]
fn a_task_that_outlives_its_test_cannot_touch_the_next() {
    let both = child::run("leaks::in_order::", &[("RUST_TEST_THREADS", "1")]);
    both.assert_passed();
}

mod in_order {
    use std::sync::OnceLock;

    use super::{PgPool, db_test, in_child, names};

    static LEAKED: OnceLock<PgPool> = OnceLock::new();

    #[db_test]
    async fn a_first_test_leaks_its_pool_and_a_task_that_holds_the_connection(pool: PgPool) {
        LEAKED.set(pool.clone()).expect("it is set once");
        if in_child() {
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
            let refused = leaked.acquire().await.expect_err("the test has ended");
            let refused = refused.to_string();
            assert!(
                refused.contains("leaks_its_pool_and_a_task_that_holds_the_connection` has ended"),
                "{refused}"
            );
        }
        assert_eq!(names(&pool).await, ["seeded"]);
    }
}

#[test]
fn an_end_that_waits_for_what_is_in_use_says_so() {
    let waited = child::run("on_request::leaving_a_connection_in_use", &[]);
    let said =
        "leaving_a_connection_in_use: it has ended, but a task that it spawned or a connection";
    waited.assert_says(said);
}

#[db_test]
async fn a_leaked_client_is_refused_after_its_test(url_of_an_earlier_test: EarlierTest) {
    let refused = sqlx::PgPool::connect(&url_of_an_earlier_test.0).await;
    let refused = refused.expect_err("its test has ended").to_string();
    assert!(refused.contains("earlier` has ended"), "{refused}");
}

/// The URL of a test that has ended.
struct EarlierTest(String);

impl FromTest for EarlierTest {
    async fn from_test(_: &TestContext) -> Result<Self, BoxError> {
        static URL: Mutex<String> = Mutex::new(String::new());

        #[allow(unnameable_test_items, reason = "it is called, not collected")]
        fn run() {
            #[db_test]
            async fn earlier(cx: TestContext) {
                *URL.lock().expect("it is not poisoned") = cx.url().await.expect("there is one");
            }
            earlier();
        }
        std::thread::spawn(run).join().map_err(|_| "it failed")?;
        Ok(Self(URL.lock().expect("it is not poisoned").clone()))
    }
}

#[test]
fn a_test_that_takes_too_long_reports_what_its_connection_was_doing() {
    let failed = child::run("on_request::slow", &[]);
    failed.assert_says("select pg_sleep(60)");
    failed.assert_says("it was waiting for Timeout PgSleep");
}

#[test]
fn a_test_that_blocks_its_thread_does_not_pass_over_its_limit() {
    let failed = child::run("on_request::blocking_its_thread", &[]);
    failed.assert_failed();
    failed.assert_says("the body blocked its thread");
}

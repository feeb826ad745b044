//! `flavor = "current_thread"`: a runtime of the test's own.

mod subscriber;

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use child::in_child;
use db_test::{Client, Flavor, Isolation, Session, TestContext, db_test};
use sqlx::PgPool;
use tokio::time::{Instant, pause, sleep};

use crate::app::names;

const AN_HOUR: Duration = Duration::from_hours(1);

thread_local! {
    static SEEN: Cell<u32> = const { Cell::new(0) };
}

#[db_test(flavor = "current_thread")]
async fn a_spawned_task_is_on_the_thread_of_its_test(_pool: PgPool) {
    for _ in 0..10 {
        let task = tokio::spawn(async { SEEN.set(SEEN.get() + 1) });
        task.await.expect("it does not panic");
    }
    assert_eq!(SEEN.get(), 10);
}

#[db_test(flavor = "current_thread")]
async fn what_is_not_send_can_be_spawned(_pool: PgPool) {
    let here = std::rc::Rc::new(7);
    let task = tokio::task::spawn_local(async move { *here });
    assert_eq!(task.await.expect("it does not panic"), 7);
}

#[db_test(flavor = "current_thread", timeout = "20s")]
async fn a_clock_that_is_paused_does_not_run_into_the_time_limit(_pool: PgPool) {
    pause();
    sleep(AN_HOUR).await;
}

#[db_test(flavor = "current_thread", start_paused = true)]
async fn statements_take_no_time_of_a_paused_clock(pool: PgPool, client: Client) {
    let started = Instant::now();
    for name in ["one", "two", "three"] {
        let mut tx = pool.begin().await.expect("it begins");
        sqlx::query("insert into items (name) values ($1)")
            .bind(name)
            .execute(&mut *tx)
            .await
            .expect("it is inserted");
        tx.commit().await.expect("it commits");
        client.get("/items").await.assert_status_ok();
    }
    let slow = sqlx::query("select pg_sleep(0.05)").execute(&pool);
    slow.await.expect("it is answered");
    assert_eq!(started.elapsed(), Duration::ZERO);
    sleep(AN_HOUR).await;
    assert_eq!(names(&pool).await.len(), 4);
    assert_eq!(started.elapsed().as_secs(), AN_HOUR.as_secs());
}

#[db_test(flavor = "current_thread", start_paused = true, isolation = "database")]
async fn statements_take_no_time_of_a_paused_clock_in_an_own_database(pool: PgPool) {
    let started = Instant::now();
    sqlx::query("select pg_sleep(0.05)")
        .execute(&pool)
        .await
        .expect("it is answered");
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[test]
fn a_task_ends_with_the_test_that_has_spawned_it() {
    let both = child::run("flavors::in_order::", &[("RUST_TEST_THREADS", "1")]);
    both.assert_passed();
    both.assert_does_not_say("it has ended");
}

mod in_order {
    use super::{AtomicBool, Ordering, PgPool, db_test, in_child};

    static HAS_ENDED: AtomicBool = AtomicBool::new(false);

    struct SetOnDrop;

    impl Drop for SetOnDrop {
        fn drop(&mut self) {
            HAS_ENDED.store(true, Ordering::Relaxed);
        }
    }

    #[db_test(flavor = "current_thread")]
    async fn a_first_test_leaks_a_task_that_holds_a_transaction(pool: PgPool) {
        tokio::spawn(async move {
            let _ended = SetOnDrop;
            let mut tx = pool.begin().await.expect("it begins");
            loop {
                sqlx::query("select 1").execute(&mut *tx).await.ok();
            }
        });
        tokio::task::yield_now().await;
    }

    #[db_test(flavor = "current_thread")]
    async fn b_second_test_finds_it_gone(_pool: PgPool) {
        // Alone, it has no first test.
        assert!(HAS_ENDED.load(Ordering::Relaxed) || !in_child());
    }
}

#[test]
fn a_test_on_its_own_runtime_has_a_time_limit() {
    let failed = child::run("flavors::endless", &[]);
    failed.assert_failed();
    failed.assert_says("took longer than its limit of 300ms");
}

#[db_test(flavor = "current_thread", start_paused = true, timeout = "300ms")]
async fn endless(_pool: PgPool) {
    if in_child() {
        std::future::pending::<()>().await;
    }
}

fn one_by_one() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .flavor(Flavor::CurrentThread)
        .isolation(Isolation::Database)
}

#[db_test(session = one_by_one)]
async fn a_session_says_where_its_tests_run(pool: PgPool, cx: TestContext) {
    let thread = std::thread::current().id();
    let task = tokio::spawn(async { std::thread::current().id() });
    assert_eq!(task.await.expect("it does not panic"), thread);
    assert_eq!(pool.options().get_max_connections(), 5);
    cx.savepoint()
        .await
        .expect_err("it has a database of its own");
}

#[db_test(session = one_by_one, flavor = "multi_thread", isolation = "transaction")]
async fn a_test_says_otherwise(pool: PgPool, cx: TestContext) {
    let flavor = tokio::runtime::Handle::current().runtime_flavor();
    assert_eq!(flavor, tokio::runtime::RuntimeFlavor::MultiThread);
    assert_eq!(pool.options().get_max_connections(), 10);
    drop(cx.savepoint().await.expect("it has a transaction"));
}

fn with_few() -> Session {
    one_by_one()
        .max_connections(3)
        .acquire_timeout(Duration::from_secs(7))
}

#[db_test(session = with_few)]
async fn a_session_says_how_large_a_pool_is(pool: PgPool) {
    let options = pool.options();
    assert_eq!(options.get_max_connections(), 3);
    assert_eq!(options.get_acquire_timeout(), Duration::from_secs(7));
}

#[db_test(session = with_few, isolation = "transaction")]
async fn in_a_transaction_too(pool: PgPool) {
    assert_eq!(pool.options().get_max_connections(), 3);
}

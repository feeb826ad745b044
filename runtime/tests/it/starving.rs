//! Tasks that outlive their test and try again at once after each error, and tasks that never
//! yield.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};

use child::in_child;
use db_test::db_test;
use sqlx::{Connection, PgConnection, PgPool, postgres::PgConnectOptions};

const ONE_BY_ONE: [(&str, &str); 1] = [("RUST_TEST_THREADS", "1")];

#[test]
fn tasks_that_try_again_at_once_do_not_stop_the_next_test() {
    for kind in ["pool", "own_pool", "held", "connecting", "own_database"] {
        let both = child::run(&format!("starving::{kind}::"), &ONE_BY_ONE);
        assert!(both.success, "{kind}: {}", both.output);
        let announced = both.output.matches("it has ended, and a task").count();
        assert_eq!(announced, 1, "{kind}: {}", both.output);
        let name = format!("starving::{kind}::a_leaks: it has ended");
        assert!(both.output.contains(&name), "{kind}: {}", both.output);
    }
}

#[test]
fn a_process_whose_runtime_has_starved_ends_and_names_the_tests() {
    let ended = child::run("starving::never_yielding::", &ONE_BY_ONE);
    ended.assert_failed();
    for named in [
        "hangs: it::starving::never_yielding::b_hangs (limit 100ms",
        "suspected: it::starving::never_yielding::a_leaks, which has ended",
    ] {
        ended.assert_says(named);
    }
}

/// Has as many tasks as the runtime has threads do something again and again, without a pause; each
/// counts.
fn leak<F: Future + Send>(work: impl Fn() -> F + Clone + Send + 'static) -> Arc<AtomicUsize>
where
    F::Output: Send,
{
    let tries = Arc::new(AtomicUsize::new(0));
    for _ in 0..available_parallelism().map_or(8, Into::into) * 2 {
        let (work, tries) = (work.clone(), Arc::clone(&tries));
        tokio::spawn(async move {
            loop {
                work().await;
                tries.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tries
}

/// What the second test of a pair does: it needs timers and the database.
macro_rules! b_is_served {
    () => {
        #[db_test(timeout = "20s")]
        async fn b_is_served(pool: sqlx::PgPool) {
            if in_child() {
                tokio::time::sleep(std::time::Duration::from_millis(600)).await;
            }
            sqlx::query("select 1")
                .execute(&pool)
                .await
                .expect("it is served");
        }
    };
}

mod pool {
    use super::{PgPool, db_test, in_child, leak};

    #[db_test]
    async fn a_leaks(pool: PgPool) {
        if in_child() {
            leak(move || {
                let pool = pool.clone();
                async move { sqlx::query("select 1").execute(&pool).await.is_ok() }
            });
        }
    }

    b_is_served!();
}

mod own_pool {
    use super::{PgConnectOptions, PgPool, db_test, in_child, leak};

    #[db_test]
    async fn a_leaks(options: PgConnectOptions) {
        if in_child() {
            let pool = PgPool::connect_with(options).await.expect("it connects");
            leak(move || {
                let pool = pool.clone();
                async move { sqlx::query("select 1").execute(&pool).await.is_ok() }
            });
        }
    }

    b_is_served!();
}

mod held {
    use std::sync::Arc;

    use tokio::sync::Mutex;

    use super::{PgPool, db_test, in_child, leak};

    #[db_test]
    async fn a_leaks(pool: PgPool) {
        if in_child() {
            let held = Arc::new(Mutex::new(pool.acquire().await.expect("it is free")));
            leak(move || {
                let held = Arc::clone(&held);
                async move {
                    sqlx::query("select 1")
                        .execute(&mut **held.lock().await)
                        .await
                        .is_ok()
                }
            });
        }
    }

    b_is_served!();
}

mod connecting {
    use super::{Connection, PgConnectOptions, PgConnection, db_test, in_child, leak};

    #[db_test]
    async fn a_leaks(options: PgConnectOptions) {
        if in_child() {
            leak(move || {
                let options = options.clone();
                async move { PgConnection::connect_with(&options).await.is_ok() }
            });
        }
    }

    b_is_served!();
}

mod own_database {
    use super::{PgPool, db_test, in_child, leak};

    #[db_test(isolation = "database")]
    async fn a_leaks(pool: PgPool) {
        if in_child() {
            leak(move || {
                let pool = pool.clone();
                async move { sqlx::query("select 1").execute(&pool).await.is_ok() }
            });
        }
    }

    b_is_served!();
}

mod never_yielding {
    use super::{PgPool, db_test, in_child, leak};

    #[db_test]
    async fn a_leaks(pool: PgPool) {
        if in_child() {
            leak(move || {
                // Nothing in it waits.
                std::hint::black_box(pool.is_closed());
                async {}
            });
        }
    }

    #[db_test(timeout = "100ms")]
    async fn b_hangs(_pool: PgPool) {
        if in_child() {
            tokio::time::sleep(std::time::Duration::from_mins(1)).await;
        }
    }
}

//! Faults on demand.

use std::time::{Duration, Instant};

use child::in_child;
use db_test::{Faults, db_test};
use sqlx::PgPool;

use crate::app::{names, try_add};

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// The same tests in a transaction and on a database of the test's own.
macro_rules! in_both_isolations {
    ($(async fn $name:ident($pool:ident: PgPool, $faults:ident: Faults) $body:block)*) => {
        mod in_a_transaction {
            use super::{Duration, Faults, Instant, PgPool, code, db_test, names, try_add};
            $(#[db_test] async fn $name($pool: PgPool, $faults: Faults) $body)*
        }

        mod in_a_database_of_its_own {
            use super::{Duration, Faults, Instant, PgPool, code, db_test, names, try_add};
            $(#[db_test(isolation = "database")] async fn $name($pool: PgPool, $faults: Faults) $body)*
        }
    };
}

in_both_isolations! {
    async fn a_statement_fails_as_often_as_it_was_to(pool: PgPool, faults: Faults) {
        let fault = faults.on("insert into items%").fail_with("40001").times(2);
        for _ in 0..2 {
            let failed = try_add(&pool, "mine").await.expect_err("it fails");
            assert_eq!(code(&failed).as_deref(), Some("40001"));
        }
        try_add(&pool, "mine").await.expect("it works again");
        assert_eq!(fault.hits(), 2);
        assert_eq!(names(&pool).await, ["seeded", "mine"]);
    }

    async fn a_commit_that_fails_has_committed_nothing(pool: PgPool, faults: Faults) {
        faults.on_commit().fail_with("40001");
        let failed = try_add(&pool, "mine").await.expect_err("it fails");
        assert_eq!(code(&failed).as_deref(), Some("40001"));
        assert_eq!(names(&pool).await, ["seeded"]);
    }

    async fn a_failure_aborts_the_transaction_it_is_in(pool: PgPool, faults: Faults) {
        faults.on("select 1").fail_with("57014");
        let mut tx = pool.begin().await.expect("it begins");
        let select = sqlx::query("select 1").execute(&mut *tx).await;
        assert_eq!(
            code(&select.expect_err("it fails")).as_deref(),
            Some("57014")
        );
        let select = sqlx::query("select 2").execute(&mut *tx).await;
        assert_eq!(
            code(&select.expect_err("it is aborted")).as_deref(),
            Some("25P02")
        );
        tx.rollback().await.expect("it rolls back");
        names(&pool).await;
    }

    async fn a_delayed_statement_takes_its_time_and_lets_others_pass(pool: PgPool, faults: Faults) {
        let delay = Duration::from_millis(200);
        faults.on("select 'slow'").delay(delay);
        let started = Instant::now();
        let slow = async {
            sqlx::query("select 'slow'")
                .execute(&pool)
                .await
                .expect("it is slow");
            started.elapsed()
        };
        assert!(slow.await >= delay);
    }

    async fn a_connection_that_is_cut_is_replaced_by_the_pool(pool: PgPool, faults: Faults) {
        faults.on("insert into items%").disconnect();
        let failed = try_add(&pool, "lost").await.expect_err("it is cut off");
        assert!(
            matches!(failed, sqlx::Error::Io(_)) || code(&failed).as_deref() == Some("57P01"),
            "{failed}"
        );
        try_add(&pool, "mine")
            .await
            .expect("there is another connection");
        assert_eq!(names(&pool).await, ["seeded", "mine"]);
    }
}

#[test]
fn a_fault_that_hit_nothing_is_reported() {
    let passed = child::run("faults::on_request::that_hits_nothing", &[]);
    passed.assert_passed();
    let expected = "the fault on `insert into itmes` was set at";
    passed.assert_says(expected);
}

mod on_request {
    use super::{Faults, PgPool, db_test, in_child, try_add};

    #[db_test]
    async fn that_hits_nothing(pool: PgPool, faults: Faults) {
        if in_child() {
            faults.on("insert into itmes").fail_with("40001");
        }
        try_add(&pool, "mine").await.expect("nothing is hit");
    }
}

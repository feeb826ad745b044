//! The query that closes a test's transaction, which the server of a lane remembers after a while.

use db_test::db_test;
use sqlx::{Executor, PgPool};

use crate::{app::names, child};

#[test]
fn a_server_that_was_told_to_forget_all_statements_is_told_again() {
    let variables = [("RUST_TEST_THREADS", "1"), ("DB_TEST_LOG", "trace")];
    let all = child::run("looking_back::in_order::", &variables);
    assert!(all.success, "{}", all.output);
    let rolled_back = all.output.matches("rolled back; nothing escaped").count();
    assert_eq!(rolled_back, 6, "{}", all.output);
    assert!(!all.output.contains("is given up"), "{}", all.output);
}

mod in_order {
    use super::{Executor, PgPool, child, db_test, names};

    /// Looks whether the server remembers the query, then writes something.
    async fn remembers(pool: &PgPool, expected: bool) {
        assert_eq!(names(pool).await, ["seeded"]);
        let sql =
            "select exists (select from pg_prepared_statements where name = 'db_test_look_back')";
        let remembered = sqlx::query_scalar(sql).fetch_one(pool).await;
        let insert = sqlx::query("insert into items (name) values ('written')");
        insert.execute(pool).await.expect("it is written");
        let remembered: bool = remembered.expect("the server tells");
        // Elsewhere the lane may have had other tests before.
        assert!(!child::asked_to_fail() || remembered == expected);
    }

    #[db_test]
    async fn a_first_time(pool: PgPool) {
        remembers(&pool, false).await;
    }

    #[db_test]
    async fn b_second_time(pool: PgPool) {
        remembers(&pool, false).await;
    }

    #[db_test]
    async fn c_third_time(pool: PgPool) {
        remembers(&pool, true).await;
    }

    #[db_test]
    async fn d_all_is_forgotten(pool: PgPool) {
        remembers(&pool, true).await;
        pool.execute("deallocate all").await.expect("it is done");
    }

    #[db_test]
    async fn e_first_time_again(pool: PgPool) {
        remembers(&pool, false).await;
    }

    #[db_test]
    async fn f_second_time_again(pool: PgPool) {
        remembers(&pool, false).await;
    }
}

//! What gets out of the transaction: the application sees what production shows as far as
//! possible, and the test is blamed.

use std::panic::catch_unwind;

use db_test::db_test;
use sqlx::PgPool;

use crate::comparison::{record, seen};

/// A row of the table: the test fails for it, and the next test finds its database untouched.
macro_rules! blamed {
    ($(async fn $name:ident($app:ident) $body:block sees $seen:expr;)*) => { $(
        #[test]
        fn $name() {
            #[allow(unnameable_test_items, reason = "it is called, not collected")]
            fn ended() -> std::thread::Result<()> {
                async fn program($app: &mut crate::comparison::App) $body

                #[db_test]
                async fn escaping(pool: PgPool) {
                    record(pool, program).await;
                }
                catch_unwind(escaping)
            }
            assert!(ended().is_err(), "the test is not blamed");
            assert_eq!(seen(), $seen);
            nothing_is_left();
        }
    )* };
}

#[allow(unnameable_test_items, reason = "it is called, not collected")]
fn nothing_is_left() {
    #[db_test]
    async fn next(pool: PgPool) {
        record(pool, async |app| app.items().await).await;
    }
    next();
    assert_eq!(seen(), [r#"["seeded0"]"#]);
}

const ADD: &str = "insert into items (name) values ('one')";

blamed! {
    async fn a_begin_and_commit_sent_as_sql_are_blamed(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["begin", ADD, "commit"]).await;
        drop(held);
        app.items().await;
    } sees ["[]", "[]", "[]", r#"["one0 seeded0"]"#];

    async fn a_begin_and_rollback_sent_as_sql_are_blamed(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["begin", ADD, "rollback"]).await;
        drop(held);
        app.items().await;
    } sees ["[]", "[]", "[]", r#"["seeded0"]"#];

    async fn a_commit_that_chains_is_blamed(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD, "commit and chain"]).await;
        drop(tx);
        app.run(&["select 'usable'"]).await;
    } sees ["[]", "[]", r#"["usable"]"#];

    async fn a_commit_in_a_simple_query_is_blamed(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.raw(&mut held, "insert into items (name) values ('one'); commit; begin").await;
        drop(held);
        app.run(&["select 'usable'"]).await;
    } sees ["[]", r#"["usable"]"#];

    async fn a_prepared_transaction_is_blamed(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD, "prepare transaction 'two phases'"]).await;
        drop(tx);
        app.run(&["select 'usable'"]).await;
    } sees ["[]", "error 55000", r#"["usable"]"#];

    async fn a_deferred_constraint_that_does_not_hold_at_a_commit_is_blamed(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["insert into parts values (987654321)", ADD]).await;
        app.outcome(&tx.commit().await);
        // Production's commit fails and nothing of it is there; here nothing is, but commit said ok.
        app.items().await;
        app.run(&["select count(*)::text from parts"]).await;
    } sees ["[]", "[]", "ok", r#"["seeded0"]"#, r#"["0"]"#];
}

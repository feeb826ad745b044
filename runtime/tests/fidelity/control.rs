//! Transaction control in any form and place, isolation levels, and what refuses transactions.

use sqlx::{Acquire, Connection};

use crate::comparison::same;

const ADD: &str = "insert into items (name) values ('one')";
const ADD_TWO: &str = "insert into items (name) values ('two')";
const TAKEN: &str = "insert into items (name) values ('seeded')";

same! {
    async fn control_sent_as_sql_is_control(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["begin", ADD, "commit", "begin", ADD_TWO, "rollback", "start transaction", "end"]).await;
        app.on(&mut held, &["commit", "rollback", "begin work", "begin", "abort work"]).await;
        drop(held);
        app.items().await;
    }

    async fn control_in_a_simple_query_is_control(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.raw(&mut held, "insert into items (name) values ('one'); commit; begin").await;
        app.raw(&mut held, "insert into items (name) values ('two'); rollback; select 'next'").await;
        app.raw(&mut held, "insert into items (name) values ('three'); commit; select 1 / 0; insert into items (name) values ('four')").await;
        app.raw(&mut held, "begin; insert into items (name) values ('five'); savepoint a; select 1 / 0; rollback to a; commit").await;
        app.raw(&mut held, "/* ; commit */ select $$ commit; $$, ';' -- ;\n; commit").await;
        app.raw(&mut held, "rollback").await;
        drop(held);
        app.items().await;
    }

    async fn a_chained_transaction_goes_on(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["begin isolation level repeatable read", ADD, "commit and chain"]).await;
        app.on(&mut held, &["show transaction_isolation", ADD_TWO, "rollback and chain", "select 'in'", "commit"]).await;
        app.on(&mut held, &["commit and chain", "rollback and chain"]).await;
        drop(held);
        app.items().await;
    }

    async fn two_phases_are_answered_alike(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD, "prepare transaction 'two phases'", "select 'usable'"]).await;
        drop(tx);
        app.items().await;
    }

    async fn a_failure_on_a_held_connection_is_its_own(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &[ADD, TAKEN, "select 'next'"]).await;
        app.outcome(&Connection::begin(&mut *held).await.map(drop));
        drop(held);
        app.items().await;
    }

    async fn a_commit_after_a_swallowed_failure_rolls_back(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD, TAKEN]).await;
        app.outcome(&tx.commit().await);
        app.items().await;
    }

    async fn what_ends_with_a_transaction_ends_at_its_commit(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        let mut tx = held.begin().await.expect("it begins");
        app.on(&mut tx, &["set local statement_timeout = '7s'", "select set_config('app.tenant', '7', true)"]).await;
        app.on(&mut tx, &["declare walk cursor for select name from items", "fetch 1 from walk"]).await;
        app.outcome(&tx.commit().await);
        app.on(&mut held, &["show statement_timeout", "select coalesce(nullif(current_setting('app.tenant', true), ''), 'none')"]).await;
        app.on(&mut held, &["fetch 1 from walk"]).await;
        for _ in 0..2 {
            let mut tx = held.begin().await.expect("it begins");
            app.on(&mut tx, &["create temporary table staging (n int) on commit drop", "insert into staging values (1)"]).await;
            app.outcome(&tx.commit().await);
        }
        let mut tx = held.begin().await.expect("it begins");
        app.on(&mut tx, &["create temporary table kept (n int) on commit delete rows", "insert into kept values (1)"]).await;
        app.outcome(&tx.commit().await);
        app.on(&mut held, &["select count(*)::text from kept", "drop table kept"]).await;
    }

    async fn deferred_constraints_are_checked_by_the_commit(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["insert into parts values (987654321)", ADD]).await;
        app.outcome(&tx.commit().await);
        app.items().await;
        app.run(&["insert into parts values (987654321)", "select count(*)::text from parts"]).await;
    }

    async fn isolation_levels_and_modes_are_accepted(app) {
        for begin in ["begin isolation level serializable", "start transaction read only", "begin isolation level repeatable read, read write, not deferrable"] {
            match app.pool.begin_with(begin).await {
                Ok(mut tx) => {
                    app.on(&mut tx, &["show transaction_isolation", "show transaction_read_only", ADD]).await;
                    app.outcome(&tx.rollback().await);
                }
                Err(error) => app.outcome(&Err::<(), _>(error)),
            }
        }
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set transaction isolation level serializable", "select 'next'", "set transaction isolation level repeatable read"]).await;
        drop(tx);
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set transaction read only", ADD]).await;
        drop(tx);
        app.run(&[ADD]).await;
        app.items().await;
    }

    async fn what_refuses_transactions_works_outside_of_one(app) {
        app.run(&["vacuum items", "create index concurrently on items (price)", "discard all"]).await;
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["vacuum (analyze) items"]).await;
        drop(tx);
        // sqlx takes this text for prepared, which it was before everything was discarded.
        app.run(&["vacuum items", "select 'next'"]).await;
        app.items().await;
    }

    async fn a_vacuum_names_tables_that_exist(app) {
        app.run(&["vacuum nowhere", "vacuum (verbose, analyze) items (price, name), nowhere", "vacuum full freeze public.\"Nowhere\""]).await;
        app.run(&["vacuum nowhere.items", "vacuum Items, public . \"items\"", "vacuum (analyze)", "analyze nowhere"]).await;
        let mut held = app.pool.acquire().await.expect("it is free");
        app.raw(&mut held, "vacuum nowhere").await;
        app.raw(&mut held, "vacuum items").await;
        app.raw(&mut held, "insert into items (name) values ('lost'); vacuum nowhere").await;
        app.on(&mut held, &["set search_path to nothing", "vacuum items", "reset search_path", "vacuum items"]).await;
        drop(held);
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["vacuum nowhere", "vacuum nowhere"]).await;
        drop(tx);
        app.items().await;
    }

    async fn what_needs_a_transaction_is_refused_outside_of_one(app) {
        app.run(&["savepoint outside", "lock table items", "declare c cursor for select 1", "release savepoint outside", "rollback to outside"]).await;
        app.items().await;
    }
}

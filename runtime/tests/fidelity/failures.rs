//! Statements that fail, in and out of transactions, and what comes after them.

use sqlx::Connection;

use crate::comparison::same;

const ADD: &str = "insert into items (name) values ('one')";
const TAKEN: &str = "insert into items (name) values ('seeded')";

same! {
    async fn each_kind_of_failing_statement_leaves_the_pool_usable(app) {
        for sql in [
            TAKEN,
            "select 1 / 0",
            "select nothing from nowhere",
            "this is not SQL",
            "insert into items (name, price) values ('low', -1)",
            "insert into items (name) values (null)",
            "select 'x'::int",
            "select 1; select 2",
            "update items set price = price - 1",
        ] {
            app.run(&[sql]).await;
            app.items().await;
        }
        app.run(&[ADD]).await;
        app.items().await;
    }

    async fn what_came_before_a_failure_stays(app) {
        app.run(&[ADD, TAKEN, "delete from items where name = 'seeded'", TAKEN, TAKEN]).await;
        app.items().await;
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["insert into items (name) values ('two')"]).await;
        app.outcome(&tx.commit().await);
        app.items().await;
    }

    async fn a_simple_query_of_many_statements_is_all_or_nothing(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.raw(&mut held, "insert into items (name) values ('a'); select name from items order by id; \
            insert into items (name) values ('seeded'); insert into items (name) values ('b')").await;
        drop(held);
        app.items().await;
        let mut held = app.pool.acquire().await.expect("it is free");
        app.raw(&mut held, "insert into items (name) values ('c'); insert into items (name) values ('d'); \
            select count(*)::text from items").await;
        drop(held);
        app.items().await;
    }

    async fn a_connection_works_after_a_transaction_with_a_failure(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        let mut tx = Connection::begin(&mut *held).await.expect("it begins");
        app.on(&mut tx, &["select 1 / 0", "select 2"]).await;
        app.outcome(&tx.rollback().await);
        app.on(&mut held, &["select 3::text", ADD, "select name from items order by name"]).await;
        drop(held);
        app.items().await;
    }

    async fn a_statement_that_runs_into_its_time_limit_fails_alone(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set local statement_timeout = '20ms'", "select pg_sleep(5)::text"]).await;
        drop(tx);
        app.run(&["show statement_timeout", ADD]).await;
        app.items().await;
    }

    async fn notices_and_conflicts_are_handled_alike(app) {
        app.run(&[
            "insert into items (name) values ('seeded') on conflict (name) do update set price = 5 returning name",
            "insert into items (name) values ('seeded') on conflict do nothing returning name",
            "do $$ begin raise notice 'psst'; end $$",
            "do $$ begin raise exception 'no' using errcode = 'ZX123'; end $$",
            "do $$ begin begin insert into items (name) values ('seeded'); exception when others then null; end; end $$",
        ]).await;
        app.items().await;
    }
}

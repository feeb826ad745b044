//! Prepared statements, many statements, schema changes, large rows.

use sqlx::{Connection, Executor, Row};

use crate::comparison::same;

same! {
    async fn statements_prepared_in_sql_last_while_their_connection_is_held(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["prepare one as select 'one'", "execute one", "explain (costs off) execute one", "deallocate one"]).await;
        app.raw(&mut held, "prepare two (int) as select ($1 + 1)::text; execute two(41); deallocate two").await;
        drop(held);
        app.items().await;
    }

    async fn deallocating_all_breaks_what_sqlx_remembers(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["select 'remembered'"]).await;
        app.raw(&mut held, "deallocate all").await;
        app.on(&mut held, &["select 'remembered'"]).await;
    }

    async fn the_statement_cache_has_its_limit(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        for number in 0..120 {
            app.on(&mut held, &[&format!("select 'statement {number}'")]).await;
        }
        app.see(held.cached_statements_size().to_string());
        app.outcome(&held.clear_cached_statements().await);
        app.on(&mut held, &["select 'statement 7'"]).await;
    }

    async fn a_statement_can_be_prepared_and_described(app) {
        let prepared = app.pool.prepare(sqlx::SqlStr::from_static("select id, name from items where name = $1")).await;
        let columns = prepared.map(|statement| {
            let names = sqlx::Statement::columns(&statement).iter().map(|column| sqlx::Column::name(column).to_owned());
            names.collect::<Vec<_>>().join(" ")
        });
        app.see(columns.expect("it is prepared"));
        app.outcome(&app.pool.prepare(sqlx::SqlStr::from_static("select wrong from items")).await.map(drop));
        // sqlx explains the statement by its name.
        let described = app.pool.describe(sqlx::SqlStr::from_static("select id, null::text from items")).await;
        app.see(format!("{:?}", described.map(|found| [found.nullable(0), found.nullable(1)]).ok()));
        app.items().await;
    }

    async fn large_rows_and_many_rows_arrive_whole(app) {
        let large = "x".repeat(5_000_000);
        let row = sqlx::query("select $1 || 'y'").bind(&large).fetch_one(&app.pool).await.expect("it arrives");
        app.see(row.get::<String, _>(0).len().to_string());
        let many = sqlx::query("select n, repeat('z', 100) from generate_series(1, 50000) n").fetch_all(&app.pool);
        app.see(many.await.expect("they arrive").len().to_string());
        let names = vec!["bulk"; 5000].iter().enumerate().map(|(n, name)| format!("{name}{n}")).collect::<Vec<_>>();
        let bulk = sqlx::query("insert into items (name) select * from unnest($1::text[])").bind(names);
        app.see(bulk.execute(&app.pool).await.expect("inserted").rows_affected().to_string());
        app.run(&["select count(*)::text from items"]).await;
    }

    async fn schema_changes_work_and_can_be_rolled_back(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["create table more (n int)", "alter table items add column extra int", "truncate parts"]).await;
        app.on(&mut tx, &["create index on more (n)", "insert into more values (1)", "select n::text from more"]).await;
        app.outcome(&tx.rollback().await);
        app.run(&["select n::text from more", "create table more (n text)", "insert into more values ('x')"]).await;
        app.run(&["select n from more", "drop table more", "select n from more", "drop table items cascade"]).await;
        app.run(&["select 1 from items"]).await;
    }

    async fn truncating_empties_and_a_rollback_fills_again(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["truncate items restart identity cascade"]).await;
        app.on(&mut tx, &["insert into items (name) values ('one') returning id::text"]).await;
        drop(tx);
        app.items().await;
        app.run(&["truncate items cascade"]).await;
        app.items().await;
    }

    async fn a_plan_that_a_schema_change_spoils_fails_alike(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["select name, * from items", "alter table items add column extra text"]).await;
        app.on(&mut held, &["select name, * from items"]).await;
    }

    async fn functions_triggers_and_procedures_run_alike(app) {
        app.run(&[
            "create function stamp() returns trigger language plpgsql as $$ begin new.price := 9; return new; end $$",
            "create trigger stamp before insert on items for each row execute function stamp()",
            "insert into items (name) values ('stamped')",
            "create procedure add(n text) language sql as $$ insert into items (name) values (n) $$",
            "call add('called')",
            "call add('seeded')",
        ]).await;
        app.items().await;
    }
}

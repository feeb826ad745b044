//! Settings, roles, temporary tables, locks, cursors: what a session has besides its rows.

use sqlx::Connection;

use crate::comparison::same;

const TEMPORARY: &[&str] = &[
    "create temporary table staging (n int)",
    "create table pg_temp.qualified (n int)",
    "create or replace temp view shown as select 'shown'",
    "create temporary sequence counted",
    "create type pg_temp.named as (name text, n int)",
    "create domain pg_temp.short as text check (length(value) < 9)",
    "create function pg_temp.shout(t text) returns text language sql as $$ select upper(t) $$",
    "select name into temp copied from items",
    "do $$ begin create temp table made_by_a_block (n int); end $$",
];

same! {
    async fn a_local_setting_ends_with_its_transaction(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set local statement_timeout = '7s'", "show statement_timeout"]).await;
        app.on(&mut tx, &["select set_config('app.tenant', 'north', true)"]).await;
        app.on(&mut tx, &["select current_setting('app.tenant', true)"]).await;
        app.outcome(&tx.commit().await);
        app.run(&["show statement_timeout", "select coalesce(nullif(current_setting('app.tenant', true), ''), 'none')"]).await;
    }

    async fn a_local_role_ends_with_its_transaction(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set local role fidelity_other", "select current_user::text", "select name from items"]).await;
        drop(tx);
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set local role fidelity_other", "select current_user::text"]).await;
        app.outcome(&tx.commit().await);
        app.run(&["select (current_user = session_user)::text"]).await;
        app.items().await;
    }

    async fn a_setting_lasts_while_its_connection_is_held(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["set search_path to pg_catalog", "select current_schema()::text", "reset search_path"]).await;
        drop(held);
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["set search_path to public, pg_catalog", "show search_path"]).await;
        app.on(&mut held, &["set time zone 'Asia/Tokyo'", "show time zone", "reset time zone", "show time zone"]).await;
        app.on(&mut held, &["set statement_timeout = '9s'", "show statement_timeout", "reset all", "show statement_timeout"]).await;
        app.on(&mut held, &["set role fidelity_other", "select current_user::text", "reset role"]).await;
        app.on(&mut held, &["select (current_user = session_user)::text", "set no_such_setting = 1"]).await;
        drop(held);
        app.items().await;
    }

    async fn a_setting_of_a_rolled_back_transaction_is_undone(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        let mut tx = Connection::begin(&mut *held).await.expect("it begins");
        app.on(&mut tx, &["set statement_timeout = '7s'", "show statement_timeout"]).await;
        drop(tx);
        app.on(&mut held, &["show statement_timeout"]).await;
    }

    async fn resetting_and_discarding_is_no_escape(app) {
        app.run(&["insert into items (name) values ('one')", "reset all", "discard temp", "discard plans", "discard sequences"]).await;
        app.run(&["select set_config('db_test.sandbox', '', false)", "reset session authorization"]).await;
        app.items().await;
    }

    async fn temporary_tables_last_while_their_connection_is_held(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["create temporary table staging (name text)", "insert into staging values ('a')"]).await;
        app.on(&mut held, &["select name from staging", "insert into items (name) select name from staging"]).await;
        app.on(&mut held, &["discard temp", "create temporary table staging (n int)", "drop table staging"]).await;
        drop(held);
        app.items().await;
    }

    async fn everything_temporary_ends_with_its_connection(app) {
        for _ in 0..2 {
            let mut held = app.pool.acquire().await.expect("it is free");
            for _ in 0..2 {
                app.on(&mut held, TEMPORARY).await;
                app.on(&mut held, &["select nextval('counted')::text", "select ('a', 1)::pg_temp.named::text", "select pg_temp.shout('b')"]).await;
                app.on(&mut held, &["discard all"]).await;
                app.outcome(&held.clear_cached_statements().await);
            }
            let mut tx = Connection::begin(&mut *held).await.expect("it begins");
            app.on(&mut tx, TEMPORARY).await;
            app.outcome(&tx.rollback().await);
            app.on(&mut held, TEMPORARY).await;
            app.outcome(&held.close().await);
        }
        app.items().await;
    }

    async fn a_table_that_drops_itself_on_commit_is_dropped(app) {
        for name in ["a", "b"] {
            let mut tx = app.pool.begin().await.expect("it begins");
            app.on(&mut tx, &["create temporary table staging (name text) on commit drop"]).await;
            app.on(&mut tx, &[&format!("insert into staging values ('{name}')")]).await;
            app.on(&mut tx, &["insert into items (name) select name from staging"]).await;
            app.outcome(&tx.commit().await);
        }
        app.run(&["select name from staging"]).await;
        app.items().await;
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["create temporary table staging (name text) on commit drop"]).await;
        app.on(&mut tx, &["set local role fidelity_other", "select current_user::text"]).await;
        app.outcome(&tx.commit().await);
        app.items().await;
        let mut held = app.pool.acquire().await.expect("it is free");
        app.raw(&mut held, "create temporary table staging (name text) on commit drop; set role fidelity_other").await;
        app.on(&mut held, &["select current_user::text", "reset role", "select name from staging"]).await;
    }

    async fn advisory_locks_of_a_session_are_counted_alike(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["select pg_try_advisory_lock(7)::text", "select pg_try_advisory_lock(7)::text"]).await;
        app.on(&mut held, &["select pg_advisory_unlock(7)::text", "select pg_advisory_unlock(7)::text"]).await;
        app.on(&mut held, &["select pg_advisory_unlock(7)::text", "select pg_try_advisory_xact_lock(8)::text"]).await;
        let lock = sqlx::postgres::PgAdvisoryLock::new("workers");
        let guard = lock.try_acquire(held).await.expect("it is asked");
        app.see(format!("{}", guard.is_left()));
        drop(guard);
        app.items().await;
        app.run(&["select pg_advisory_unlock_all()::text"]).await;
    }

    async fn cursors_end_with_their_transaction(app) {
        for _ in 0..2 {
            let mut tx = app.pool.begin().await.expect("it begins");
            app.on(&mut tx, &["declare walk cursor for select n::text from generate_series(1, 9) as n"]).await;
            app.on(&mut tx, &["fetch 2 from walk", "move 3 in walk", "fetch 2 from walk"]).await;
            app.outcome(&tx.commit().await);
        }
        app.run(&["fetch 1 from walk", "select 'usable'"]).await;
    }

    async fn a_cursor_with_hold_outlives_its_transaction(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        let mut tx = Connection::begin(&mut *held).await.expect("it begins");
        app.on(&mut tx, &["declare walk cursor with hold for select name from items", "fetch 0 from walk"]).await;
        app.outcome(&tx.commit().await);
        app.on(&mut held, &["insert into items (name) values ('later')", "fetch all from walk", "select broken"]).await;
        app.on(&mut held, &["fetch backward 1 from walk", "declare walk cursor with hold for select 1"]).await;
        app.on(&mut held, &["close walk", "fetch 1 from walk"]).await;
        let mut tx = Connection::begin(&mut *held).await.expect("it begins");
        app.on(&mut tx, &["declare walk cursor with hold for select name from items"]).await;
        drop(tx);
        app.on(&mut held, &["fetch 1 from walk", "declare walk scroll cursor with hold for values ('a'), ('b')"]).await;
        app.on(&mut held, &["fetch last from walk", "discard all", "fetch 1 from walk"]).await;
        app.on(&mut held, &["declare walk cursor with hold for select 'again'"]).await;
        app.outcome(&held.close().await);
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["fetch 1 from walk", "declare walk cursor with hold for select 'new'", "fetch 1 from walk"]).await;
    }
}

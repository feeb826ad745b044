//! Where one backend cannot imitate production: what happens instead.

use db_test::db_test;
use sqlx::{Connection, PgPool};

use crate::comparison::differs;

const ADD: &str = "insert into items (name) values ('one')";
const SEEDED: &str = r#"["seeded0"]"#;
const WITH_ONE: &str = r#"["one0 seeded0"]"#;
const DONE: &str = "[]";

differs! {
    async fn a_block_that_commits_is_refused(app) {
        app.run(&["do $$ begin insert into items (name) values ('one'); commit; end $$"]).await;
        app.items().await;
    }
    production [DONE, WITH_ONE];
    sandbox ["error 2D000", SEEDED];

    async fn an_advisory_lock_of_a_transaction_is_still_listed(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["select pg_try_advisory_xact_lock(8)::text"]).await;
        app.outcome(&tx.commit().await);
        app.run(&["select count(*)::text from pg_locks where locktype = 'advisory' and objid = 8 \
            and database = (select oid from pg_database where datname = current_database())"]).await;
    }
    production [r#"["true"]"#, "ok", r#"["0"]"#];
    sandbox [r#"["true"]"#, "ok", r#"["1"]"#];

    async fn a_clock_stands_still(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["create temporary table start as select current_timestamp as at", "select (current_timestamp > at)::text from start"]).await;
        app.on(&mut held, &["select (clock_timestamp() > at)::text from start"]).await;
    }
    production [DONE, r#"["true"]"#, r#"["true"]"#];
    sandbox [DONE, r#"["false"]"#, r#"["true"]"#];

    async fn an_advisory_lock_of_another_connection_is_granted(app) {
        let mut one = app.pool.acquire().await.expect("it is free");
        app.on(&mut one, &["select pg_try_advisory_lock(7)::text"]).await;
        let mut other = app.pool.acquire().await.expect("there is a second one");
        app.on(&mut other, &["select pg_try_advisory_lock(7)::text"]).await;
    }
    production [r#"["true"]"#, r#"["false"]"#];
    sandbox [r#"["true"]"#, r#"["true"]"#];

    async fn every_connection_is_the_same_backend(app) {
        let mut one = app.pool.acquire().await.expect("it is free");
        let pid = sqlx::query_scalar("select pg_backend_pid()::text").fetch_one(&mut *one);
        let pid: String = pid.await.expect("it has one");
        let mut other = app.pool.acquire().await.expect("there is a second one");
        let same = format!("select (pg_backend_pid() = {pid})::text");
        app.on(&mut other, &[&same]).await;
    }
    production [r#"["false"]"#];
    sandbox [r#"["true"]"#];

    async fn a_statement_prepared_in_sql_is_listed_by_another_name(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["prepare mine as select 1::text", "execute mine"]).await;
        app.on(&mut held, &["select count(*)::text from pg_prepared_statements where name = 'mine'"]).await;
    }
    production [DONE, r#"["1"]"#, r#"["1"]"#];
    sandbox [DONE, r#"["1"]"#, r#"["0"]"#];

    async fn channels_are_listened_to_by_the_proxy(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["listen news", "select pg_listening_channels()"]).await;
    }
    production [DONE, r#"["news"]"#];
    sandbox [DONE, DONE];

    async fn a_cursor_outside_of_a_transaction_is_refused_before_its_query_is_looked_at(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.raw(&mut held, "declare walk cursor for select broken").await;
    }
    production ["error 42703"];
    sandbox ["error 25P01"];

    async fn a_new_value_of_an_enum_cannot_be_used(app) {
        app.run(&["alter type mood add value 'wild'", "select 'wild'::mood::text"]).await;
    }
    production [DONE, r#"["wild"]"#];
    sandbox [DONE, "error 55P04"];

    async fn what_runs_in_no_transaction_is_refused(app) {
        app.run(&["reindex schema public", "cluster"]).await;
    }
    production [DONE, DONE];
    sandbox ["error 25001", "error 25001"];

    async fn every_transaction_has_the_same_id(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["create temporary table first as select pg_current_xact_id() as id"]).await;
        app.on(&mut held, &["select (pg_current_xact_id() <> id)::text from first"]).await;
    }
    production [DONE, r#"["true"]"#];
    sandbox [DONE, r#"["false"]"#];

    async fn a_grammar_error_in_a_failed_transaction_is_not_looked_at(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["select broken", "select )", "selec 1"]).await;
    }
    production ["error 42703", "error 42601", "error 42601"];
    sandbox ["error 42703", "error 25P02", "error 42601"];

    async fn a_lock_of_another_connection_is_not_waited_for(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["update jobs set done = true where id = 1"]).await;
        let mut other = app.pool.acquire().await.expect("there is a second one");
        app.on(&mut other, &["set lock_timeout = '50ms'", "update jobs set done = true where id = 1"]).await;
    }
    production [DONE, DONE, "error 55P03"];
    sandbox [DONE, DONE, DONE];

    async fn a_reference_to_what_is_not_committed_holds(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["insert into items (id, name) overriding system value values (4711, 'one')"]).await;
        app.run(&["insert into parts values (4711)"]).await;
    }
    production [DONE, "error 23503"];
    sandbox [DONE, DONE];

    async fn a_constraint_is_checked_against_what_is_not_committed(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["insert into ranks values (4711)"]).await;
        let mut other = app.pool.acquire().await.expect("there is a second one");
        app.on(&mut other, &["set lock_timeout = '50ms'"]).await;
        let mut second = Connection::begin(&mut *other).await.expect("it begins");
        app.on(&mut second, &["set constraints all deferred", "insert into ranks values (4711)"]).await;
        app.outcome(&second.commit().await);
    }
    production [DONE, DONE, DONE, DONE, "error 55P03"];
    sandbox [DONE, DONE, DONE, DONE, "error 23505"];

    async fn serializable_transactions_at_once_do_not_fail(app) {
        const SUM: &str = "select sum(price)::text from items";
        let mut one = app.pool.begin_with("begin isolation level serializable").await.expect("it begins");
        let mut other = app.pool.begin_with("begin isolation level serializable").await.expect("it begins");
        app.on(&mut one, &[SUM, "update items set price = 1"]).await;
        app.on(&mut other, &["select count(*)::text from items", "insert into items (name) values ('two')"]).await;
        app.outcome(&one.commit().await);
        app.outcome(&other.commit().await);
    }
    production [r#"["0"]"#, DONE, r#"["1"]"#, DONE, "ok", "error 40001"];
    sandbox [r#"["0"]"#, DONE, r#"["1"]"#, DONE, "ok", "ok"];

    async fn a_name_of_another_connection_is_taken(app) {
        let mut one = app.pool.acquire().await.expect("it is free");
        let mut other = app.pool.acquire().await.expect("there is a second one");
        for held in [&mut one, &mut other] {
            app.on(held, &["create temporary table mine (n int)", "declare walk cursor with hold for select 1"]).await;
        }
    }
    production [DONE, DONE, DONE, DONE];
    sandbox [DONE, DONE, "error 42P07", "error 42P03"];

    async fn a_cursor_with_hold_keeps_its_table_in_use(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["declare walk cursor with hold for select name from items", "truncate items cascade"]).await;
        app.on(&mut held, &["close walk", "truncate items cascade"]).await;
    }
    production [DONE, DONE, DONE, DONE];
    sandbox [DONE, "error 55006", DONE, DONE];

    async fn a_second_connection_reads_what_is_not_committed(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD]).await;
        app.items().await;
        app.outcome(&tx.rollback().await);
        app.items().await;
    }
    production [DONE, SEEDED, "ok", SEEDED];
    sandbox [DONE, WITH_ONE, "ok", SEEDED];

    async fn a_write_of_a_second_connection_goes_with_the_rollback_around_it(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["select 1::text"]).await;
        app.run(&[ADD]).await;
        app.outcome(&tx.rollback().await);
        app.items().await;
    }
    production [r#"["1"]"#, DONE, "ok", WITH_ONE];
    sandbox [r#"["1"]"#, DONE, "ok", SEEDED];
}

#[db_test]
async fn text_is_sorted_by_code_point(pool: PgPool) -> Result<(), sqlx::Error> {
    let first = sqlx::query_scalar("select min(word) from (values ('a'), ('B')) as words (word)");
    let first: String = first.fetch_one(&pool).await?;
    assert_eq!(first, "B");
    Ok(())
}

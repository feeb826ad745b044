//! Where a transaction cannot imitate production: what happens instead.

use db_test::db_test;
use sqlx::{Acquire, Connection, PgPool};

use crate::comparison::differs;

const ADD: &str = "insert into items (name) values ('one')";
const TAKEN: &str = "insert into items (name) values ('seeded')";
const SEEDED: &str = r#"["seeded0"]"#;
const WITH_ONE: &str = r#"["one0 seeded0"]"#;
const DONE: &str = "[]";

differs! {
    async fn a_failure_on_a_held_connection_stops_it_and_undoes_its_statements(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &[ADD, TAKEN, "select 'next'"]).await;
        app.outcome(&Connection::begin(&mut *held).await.map(drop));
        drop(held);
        app.items().await;
    }
    production [DONE, "error 23505", r#"["next"]"#, "ok", WITH_ONE];
    sandbox [DONE, "error 23505", "error 25P02", "error 25P02", SEEDED];

    async fn a_commit_after_a_swallowed_failure_is_an_error(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD, TAKEN]).await;
        app.outcome(&tx.commit().await);
        app.items().await;
    }
    production [DONE, "error 23505", "ok", SEEDED];
    sandbox [DONE, "error 23505", "error 25P02", SEEDED];

    async fn a_local_setting_lasts_until_the_release(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        let mut tx = held.begin().await.expect("it begins");
        app.on(&mut tx, &["set local statement_timeout = '7s'"]).await;
        app.outcome(&tx.commit().await);
        app.on(&mut held, &["show statement_timeout"]).await;
        drop(held);
        app.run(&["show statement_timeout"]).await;
    }
    production [DONE, "ok", r#"["0"]"#, r#"["0"]"#];
    sandbox [DONE, "ok", r#"["7s"]"#, r#"["0"]"#];

    async fn a_table_that_drops_itself_on_commit_stays_until_the_release(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        for _ in 0..2 {
            let mut tx = held.begin().await.expect("it begins");
            app.on(&mut tx, &["create temporary table staging (n int) on commit drop"]).await;
            drop(tx.commit().await);
        }
    }
    production [DONE, DONE];
    sandbox [DONE, "error 42P07"];

    async fn an_advisory_lock_of_a_transaction_lasts_until_the_end_of_the_test(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["select pg_try_advisory_xact_lock(8)::text"]).await;
        app.outcome(&tx.commit().await);
        app.run(&["select count(*)::text from pg_locks where locktype = 'advisory' and objid = 8 and pid = pg_backend_pid()"]).await;
    }
    production [r#"["true"]"#, "ok", r#"["0"]"#];
    sandbox [r#"["true"]"#, "ok", r#"["1"]"#];

    async fn an_isolation_level_cannot_be_chosen(app) {
        app.outcome(&app.pool.begin_with("begin isolation level serializable").await.map(drop));
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set transaction isolation level serializable", "select 'next'"]).await;
        drop(tx);
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set transaction read only", ADD]).await;
        drop(tx);
        app.run(&[ADD]).await;
        app.items().await;
    }
    production ["ok", DONE, r#"["next"]"#, DONE, "error 25006", DONE, WITH_ONE];
    sandbox ["InvalidSavePointStatement", "error 25001", "error 25P02", DONE, "error 25006", DONE, WITH_ONE];

    async fn what_refuses_transactions_is_refused(app) {
        app.run(&["vacuum items", "create index concurrently on items (price)", "discard all"]).await;
        app.run(&["savepoint outside", "lock table items", "do $$ begin commit; end $$"]).await;
        app.items().await;
    }
    production [DONE, DONE, DONE, "error 25P01", "error 25P01", DONE, SEEDED];
    sandbox ["error 25001", "error 25001", "error 25001", DONE, DONE, "error 2D000", SEEDED];

    async fn a_clock_stands_still(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["create temporary table start as select now() as at", "select (now() > at)::text from start"]).await;
        app.on(&mut held, &["select (clock_timestamp() > at)::text from start"]).await;
    }
    production [DONE, r#"["true"]"#, r#"["true"]"#];
    sandbox [DONE, r#"["false"]"#, r#"["true"]"#];

    async fn a_second_connection_is_waited_for_in_vain(app) {
        let held = app.pool.acquire().await.expect("it is free");
        app.run(&["select 'second'"]).await;
        drop(held);
        app.items().await;
    }
    production [r#"["second"]"#, SEEDED];
    sandbox ["PoolTimedOut", SEEDED];

    async fn a_closed_connection_is_not_replaced(app) {
        app.run(&[ADD]).await;
        let mut held = app.pool.acquire().await.expect("it is free");
        held.close_on_drop();
        app.on(&mut held, &["select 'held'"]).await;
        app.outcome(&held.close().await);
        app.items().await;
    }
    production [DONE, r#"["held"]"#, "ok", WITH_ONE];
    sandbox [DONE, r#"["held"]"#, "ok", "error 08004"];

    async fn a_copy_dropped_before_its_end_breaks_the_connection(app) {
        app.run(&[ADD]).await;
        let mut held = app.pool.acquire().await.expect("it is free");
        let mut copy = held.copy_in_raw("copy items (name) from stdin").await.expect("it starts");
        copy.send(&b"half\n"[..]).await.expect("it is sent");
        drop(copy);
        drop(held);
        app.items().await;
    }
    production [DONE, WITH_ONE];
    sandbox [DONE, "error 08004"];
}

// What production's pool does with such a connection depends on which one it hands out next: sqlx
// takes it back and gets out of step with its answers.
#[db_test]
async fn a_copy_whose_reader_stops_half_way_breaks_the_connection(pool: PgPool) {
    let sql = "copy (select repeat('x', 1000) from generate_series(1, 2000)) to stdout";
    let mut held = pool.acquire().await.expect("it is free");
    drop(held.copy_out_raw(sql).await.expect("it starts"));
    drop(held);
    let error = pool.acquire().await.expect_err("it is gone").to_string();
    assert!(
        error.contains("out of step, as after a COPY that was dropped"),
        "{error}"
    );
}

#[db_test]
async fn text_is_sorted_by_code_point(pool: PgPool) -> Result<(), sqlx::Error> {
    let first = sqlx::query_scalar("select min(word) from (values ('a'), ('B')) as words (word)");
    let first: String = first.fetch_one(&pool).await?;
    assert_eq!(first, "B");
    Ok(())
}

//! Where one backend cannot imitate production: what happens instead.

use db_test::db_test;
use sqlx::PgPool;

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
        app.run(&["select count(*)::text from pg_locks where locktype = 'advisory' and objid = 8"]).await;
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

    async fn a_vacuum_of_a_missing_table_succeeds(app) {
        app.run(&["vacuum nowhere"]).await;
    }
    production ["error 42P01"];
    sandbox [DONE];

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

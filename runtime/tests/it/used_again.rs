//! A test's own database is cleared and used again, where what the test has changed can be undone,
//! and cloned anew where not.

use std::env;

use child::{Child, in_child, say};
use db_test::{Session, db_test};
use sqlx::{AssertSqlSafe, PgPool};

/// The variable with what the first of two tests runs.
const SQL: &str = "DB_TEST_CHILD_SQL";

/// Since this version the server's counts are complete when a connection is gone.
const COUNTS_ARE_COMPLETE: i32 = 150_000;

const SCHEMA: &str = "
create table filled (id int primary key, name text);
insert into filled values (1, 'of the seed');
create table orders (id serial primary key, note text);
create table lines (order_id int references orders);
create table apart (id int generated always as identity (start with 7));
create table guarded (id int);
create function refuse() returns trigger language plpgsql as 'begin raise ''not this one''; end';
create trigger refuse before truncate on guarded execute function refuse();
select nextval('orders_id_seq') from generate_series(1, 3);
create materialized view summary as select count(*) from filled;
create procedure write_and_commit() language plpgsql as 'begin insert into orders default values; commit; end';
";

/// A template for each text, so that nobody else has lanes of it.
fn watched() -> Session {
    let sql = env::var(SQL).unwrap_or_default().replace('\n', " ");
    let session = Session::postgres().seed_sql(format!("{SCHEMA}-- before {sql}"));
    if sql.contains("track_counts") {
        session.superuser()
    } else {
        session
    }
}

async fn name_of(pool: &PgPool) -> (String, i32) {
    let sql = "select current_database()::text, current_setting('server_version_num')::int";
    sqlx::query_as(sql).fetch_one(pool).await.expect("it says")
}

#[db_test(session = watched, isolation = "database")]
async fn changing(pool: PgPool) {
    if !in_child() {
        return;
    }
    let (name, version) = name_of(&pool).await;
    say("used", name);
    say("version", version);
    let sql = env::var(SQL).expect("it is set");
    // In one connection, and each statement by itself.
    let mut connection = pool.acquire().await.expect("there is a connection");
    for statement in sql.split("; ") {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut *connection)
            .await
            .expect("it runs");
    }
}

/// Sees whether everything is as the seed has left it.
#[db_test(session = watched, isolation = "database")]
async fn looking(pool: PgPool) {
    if !in_child() {
        return;
    }
    say("used", name_of(&pool).await.0);
    let sql = "select (select string_agg(filled::text, ',') from filled), \
         (select count(*) from orders) + (select count(*) from lines) + (select count(*) from apart) + (select count(*) from guarded), \
         nextval('orders_id_seq'), nextval('apart_id_seq'), \
         (select count(*) from pg_class where oid >= 16384 and relkind = 'r' and relname <> '_sqlx_migrations'), \
         coalesce(current_setting('work_mem'), ''), (select count from summary)";
    let state: (String, i64, i64, i64, i64, String, i64) = sqlx::query_as(sql)
        .fetch_one(&pool)
        .await
        .expect("it is read");
    assert_eq!(
        state,
        (
            "(1,\"of the seed\")".to_owned(),
            0,
            4,
            7,
            5,
            "4MB".to_owned(),
            1
        )
    );
}

/// Which database the next test has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    TheSame,
    AnotherClone,
}

/// The database of the test after one that runs this; it is as the seed has made it in any case.
#[track_caller]
fn assert_has_after(sql: &str, expected: Next) {
    let run = |test: &str| {
        let child = Child::exactly("used_again", &[test]).env(SQL, sql);
        let finished = child.env("DB_TEST_LOG", "debug").run();
        finished.assert_passed();
        finished
    };
    let (first, second) = (run("changing"), run("looking"));
    let is_same = first.said("used") == second.said("used");
    let version: i32 = first.said("version")[0].parse().expect("it is a number");
    let expected = if version < COUNTS_ARE_COMPLETE {
        Next::AnotherClone
    } else {
        expected
    };
    let next = if is_same {
        Next::TheSame
    } else {
        Next::AnotherClone
    };
    assert_eq!(next, expected, "{}", first.output);
}

#[test]
fn a_database_that_was_only_read_is_used_again() {
    assert_has_after("select * from filled; table lines", Next::TheSame);
}

#[test]
fn rows_of_tables_that_were_empty_are_removed_and_ids_begin_again() {
    assert_has_after(
        "insert into orders (note) select repeat(md5(n::text), 1000) from generate_series(1, 9) n; \
         insert into lines select id from orders; insert into apart default values",
        Next::TheSame,
    );
}

#[test]
fn rows_that_a_procedure_commits_are_removed() {
    assert_has_after("call write_and_commit()", Next::TheSame);
}

#[test]
fn what_was_rolled_back_and_what_a_sequence_was_set_to_is_undone() {
    assert_has_after(
        "begin; insert into orders default values; rollback; select setval('apart_id_seq', 500)",
        Next::TheSame,
    );
}

#[test]
fn a_row_of_the_seed_that_was_changed_takes_another_clone() {
    assert_has_after("update filled set name = 'changed'", Next::AnotherClone);
}

#[test]
fn a_row_beside_those_of_the_seed_takes_another_clone() {
    assert_has_after("insert into filled values (2, 'new')", Next::AnotherClone);
}

#[test]
fn a_table_with_a_trigger_on_truncate_takes_another_clone() {
    assert_has_after("insert into guarded values (1)", Next::AnotherClone);
}

#[test]
fn a_definition_takes_another_clone() {
    assert_has_after("create table more (id int)", Next::AnotherClone);
}

#[test]
fn a_temporary_table_takes_another_clone() {
    assert_has_after(
        "create temporary table scratch (id int)",
        Next::AnotherClone,
    );
}

#[test]
fn a_table_that_was_emptied_takes_another_clone() {
    assert_has_after("truncate filled", Next::AnotherClone);
}

#[test]
fn a_materialized_view_that_was_refreshed_takes_another_clone() {
    assert_has_after(
        "insert into filled values (2, 'new'); refresh materialized view summary; delete from filled where id = 2",
        Next::AnotherClone,
    );
}

#[test]
fn a_setting_of_the_database_takes_another_clone() {
    let sql = "do $$ begin execute format('alter database %I set work_mem = ''9MB''', current_database()) ;end $$";
    assert_has_after(sql, Next::AnotherClone);
}

#[test]
fn a_large_object_takes_another_clone() {
    assert_has_after("select lo_from_bytea(0, 'content')", Next::AnotherClone);
}

#[test]
fn what_is_not_counted_takes_another_clone() {
    assert_has_after(
        "set track_counts = off; insert into orders default values",
        Next::AnotherClone,
    );
}

//! Templates: made once, made again when their content changes, removed when they are stale.

use std::{fs, path::PathBuf};

use db_test::db_test;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{breaking::until, place::Place};

const TESTS: &str = "injection::a_result_may_be_returned";

async fn databases(place: &Place) -> Vec<String> {
    let mut connection = place.connect().await;
    let names = "select datname from pg_database where starts_with(datname, 'dbt') order by 1";
    let names = sqlx::query_scalar(names)
        .fetch_all(&mut connection)
        .await
        .expect("they are listed");
    connection.close().await.expect("it closes");
    names
}

/// Waits until the server knows that the processes are gone: their lanes are taken until then.
async fn lanes_are_free(place: &Place) {
    let mut connection = place.connect().await;
    let taken = "select from pg_stat_activity where datname like 'dbt_%'";
    until(
        &mut connection,
        &format!("select having not exists ({taken})"),
    )
    .await;
    connection.close().await.expect("it closes");
}

#[db_test]
async fn content_that_changes_gives_a_new_template() {
    let place = Place::new();
    for seed in ["one", "one", "two"] {
        let passed = place.run(TESTS, &[("DB_TEST_CHILD_SEED", seed)]);
        passed.assert_passed();
        lanes_are_free(&place).await;
    }
    // Two templates, each with the one lane that its processes used one after the other.
    assert_eq!(databases(&place).await.len(), 4);
}

#[db_test]
async fn the_options_of_the_connection_are_part_of_the_content() {
    let place = Place::new();
    for options in ["", "-c DateStyle=ISO,DMY", "-c search_path=public"] {
        let passed = place.run(TESTS, &[("PGOPTIONS", options)]);
        passed.assert_passed();
    }
    let url = |options: &str| {
        let url = place.socket().username("postgres").database("postgres");
        let url = sqlx::ConnectOptions::to_url_lossy(&url).to_string();
        format!("{url}&options[search_path]={options}")
    };
    for options in ["public", "public,pg_temp"] {
        let passed = place.run(TESTS, &[("TEST_DB_URL", &url(options))]);
        passed.assert_passed();
    }
    let templates = databases(&place).await;
    let templates = templates
        .iter()
        .filter(|name| name.matches('_').count() == 1);
    assert_eq!(templates.count(), 5);
}

#[db_test]
async fn a_broken_migration_is_reported_by_its_name_and_leaves_nothing() {
    let place = Place::new();
    let migrations = Migrations::new(
        "9_breaks.sql",
        "create table broken (id bigint references nothing)",
    );
    let failed = place.run(TESTS, &[("DB_TEST_CHILD_MIGRATIONS", migrations.path())]);
    failed.assert_failed();
    failed.assert_says("migration `9_breaks` failed");
    failed.assert_says("relation \"nothing\" does not exist");
    assert!(databases(&place).await.is_empty());
}

#[test]
fn a_failing_migration_is_reported_by_file_and_line() {
    let place = Place::new();
    for (sql, line) in [
        // The server gives a position with the first, and none with the others.
        (
            "create table one (id int);\n\nselect missing from one;",
            ":3: ",
        ),
        (
            "create table two (id int);\n-- again\ncreate table two (id int);",
            ":3: ",
        ),
        (
            "create table t (id int unique);\ninsert into t\n  values (1), (1);",
            ":2: ",
        ),
        ("do $$\nbegin\n  perform missing();\nend $$", ":1: "),
    ] {
        let migrations = Migrations::new("0007_add_things.sql", sql);
        let failed = place.run(TESTS, &[("DB_TEST_CHILD_MIGRATIONS", migrations.path())]);
        let expected = format!(
            "migration `7_add_things` failed at {}/0007_add_things.sql{line}",
            migrations.path()
        );
        failed.assert_says(&expected);
    }
}

#[test]
fn two_migrations_of_one_version_are_both_named() {
    let migrations = Migrations::new("0001_users.sql", "select 1");
    fs::write(migrations.0.join("1_orders.sql"), "select 2").expect("it is written");
    let failed = child::run(TESTS, &[("DB_TEST_CHILD_MIGRATIONS", migrations.path())]);
    let expected = "two migrations have the version 1: `0001_users.sql` and `1_orders.sql`";
    failed.assert_says(expected);
}

#[test]
fn a_directory_without_migrations_is_reported_with_what_is_in_it() {
    let migrations = Migrations::new("users.sql", "select 1");
    let variables = [("DB_TEST_CHILD_MIGRATIONS", migrations.path())];
    let failed = child::run(TESTS, &variables);
    for part in [
        "there are no migrations in",
        "it has `users.sql`",
        "Migrator::DEFAULT",
    ] {
        failed.assert_says(part);
    }
    fs::remove_file(migrations.0.join("users.sql")).expect("it is removed");
    let failed = child::run(TESTS, &variables);
    failed.assert_says("it is empty");
}

#[test]
fn a_migration_that_only_a_superuser_may_run_says_which_line_to_write() {
    let place = Place::new();
    let migrations = Migrations::new("1_admin.sql", "create role it_admin superuser");
    let failed = place.run(TESTS, &[("DB_TEST_CHILD_MIGRATIONS", migrations.path())]);
    for part in [
        "migration `1_admin` failed",
        "Session::postgres().superuser()",
    ] {
        failed.assert_says(part);
    }
}

#[test]
fn a_migration_that_creates_what_belongs_to_the_whole_server_says_where_to_create_it() {
    for (name, sql, expected) in [
        (
            "1_database.sql",
            "create database other",
            "`.database(\"name\", ",
        ),
        (
            "2_tablespace.sql",
            "-- no-transaction\ncreate tablespace fast location '/tmp'",
            "create it where the server is set up, outside of the migrations",
        ),
        (
            "3_index.sql",
            "create table a (b int); create index concurrently c on a (b)",
            "make it the one statement of its migration, whose first line is `-- no-transaction`",
        ),
    ] {
        let migrations = Migrations::new(name, sql);
        let failed = child::run(TESTS, &[("DB_TEST_CHILD_MIGRATIONS", migrations.path())]);
        failed.assert_says(expected);
    }
}

#[db_test]
async fn stale_databases_of_ours_are_removed_and_no_others() {
    let place = Place::new();
    place.run(TESTS, &[]).assert_passed();
    let kept = databases(&place).await;
    let mut connection = place.connect().await;
    for name in [
        "dbt_00000000000000aa",
        "dbt_00000000000000aa_1",
        "dbt_customers",
    ] {
        run(&mut connection, &format!("create database {name}")).await;
        run(
            &mut connection,
            &format!("comment on database {name} is 'db-test clean 1000'"),
        )
        .await;
    }
    connection.close().await.expect("it closes");
    // A new template is when stale ones are looked for.
    place
        .run(TESTS, &[("DB_TEST_CHILD_SEED", "new")])
        .assert_passed();
    let left = databases(&place).await;
    assert!(
        !left.iter().any(|name| name.contains("00000000000000aa")),
        "{left:?}"
    );
    assert!(left.contains(&"dbt_customers".to_owned()), "{left:?}");
    assert!(kept.iter().all(|name| left.contains(name)), "{left:?}");
}

#[db_test]
async fn a_mark_from_the_future_counts_from_now() {
    let place = Place::new();
    place.run(TESTS, &[]).assert_passed();
    let mut connection = place.connect().await;
    for sql in [
        "create database dbt_00000000000000bb",
        "comment on database dbt_00000000000000bb is 'db-test clean 99999999999'",
    ] {
        run(&mut connection, sql).await;
    }
    connection.close().await.expect("it closes");
    place
        .run(TESTS, &[("DB_TEST_CHILD_SEED", "new")])
        .assert_passed();
    let mut connection = place.connect().await;
    let mark = "select shobj_description(oid, 'pg_database') from pg_database \
                where datname = 'dbt_00000000000000bb'";
    let mark: String = sqlx::query_scalar(mark)
        .fetch_one(&mut connection)
        .await
        .expect("the database is there, with a mark");
    connection.close().await.expect("it closes");
    assert!(mark.as_str() < "db-test clean 9", "{mark}");
}

#[db_test]
async fn two_checkouts_with_other_content_run_at_once() {
    let place = Place::new();
    for _ in 0..3 {
        let processes =
            ["left", "right"].map(|seed| place.start(TESTS, &[("DB_TEST_CHILD_SEED", seed)]));
        for process in processes {
            process.finish().assert_passed();
        }
        lanes_are_free(&place).await;
    }
    // Two templates, each with the lane that its own processes used.
    assert_eq!(databases(&place).await.len(), 4);
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .expect("it is done");
}

/// A directory with one migration, for the length of a test.
pub(crate) struct Migrations(PathBuf);

impl Migrations {
    pub(crate) fn new(name: &str, sql: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("dbt-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).expect("it is made");
        fs::write(directory.join(name), sql).expect("it is written");
        Self(directory)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("it is UTF-8")
    }
}

impl Drop for Migrations {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

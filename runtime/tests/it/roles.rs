//! Who tests run as: an ordinary role, or the one that the session names.

use child::in_child;
use db_test::{Session, TestContext, db_test};
use sqlx::{Connection, Executor, PgConnection, PgPool, Row, postgres::PgConnectOptions};

use crate::place::Place;

/// The role that a child's session names.
pub(crate) const ROLE: &str = "DB_TEST_CHILD_ROLE";

fn as_owner() -> Session {
    Session::postgres().migrations("tests/it/roles/migrations")
}

fn as_reader() -> Session {
    as_owner().role("it_reader")
}

fn as_configured() -> Session {
    as_owner().role("it_configured")
}

fn as_superuser() -> Session {
    as_owner().superuser()
}

fn as_asked() -> Session {
    match std::env::var(ROLE) {
        Ok(role) => as_owner().role(role),
        Err(_) => as_owner(),
    }
}

async fn user(connection: &mut PgConnection) -> String {
    let row = connection.fetch_one(sqlx::raw_sql("select current_user::text"));
    row.await.expect("there is an answer").get(0)
}

async fn seen(executor: impl Executor<'_, Database = sqlx::Postgres>) -> Vec<String> {
    let bodies = sqlx::query_scalar("select body from notes order by 1");
    bodies.fetch_all(executor).await.expect("they may be read")
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, sqlx::Error>) -> bool {
    let error = result.expect_err("it is refused");
    let error = error.as_database_error().expect("the server refuses it");
    error.code().as_deref() == Some("42501")
}

#[db_test(session = as_owner)]
async fn a_test_runs_as_an_ordinary_role(pool: PgPool) {
    let ordinary =
        "select not rolsuper and not rolbypassrls from pg_roles where rolname = current_user";
    let ordinary: bool = sqlx::query_scalar(ordinary)
        .fetch_one(&pool)
        .await
        .expect("there is an answer");
    assert!(ordinary);
    pool.execute("alter table notes force row level security")
        .await
        .expect("the owner may");
    assert!(seen(&pool).await.is_empty());
}

#[db_test(session = as_superuser)]
async fn a_session_may_ask_for_a_superuser(pool: PgPool) {
    pool.execute("create role it_other superuser")
        .await
        .expect("a superuser may");
}

#[db_test(session = as_reader)]
async fn policies_and_privileges_apply_to_the_role_of_a_session(pool: PgPool) {
    assert!(seen(&pool).await.is_empty());
    let mut tx = pool.begin().await.expect("it begins");
    tx.execute("set local app.tenant = 'mine'")
        .await
        .expect("it is set");
    assert_eq!(seen(&mut *tx).await, ["seen"]);
    tx.commit().await.expect("it commits");
    assert!(is_refused(
        pool.execute("insert into drafts values ('no')").await
    ));
}

#[db_test(session = as_reader, isolation = "database")]
async fn each_connection_to_a_database_of_its_own_is_the_role(
    pool: PgPool,
    options: PgConnectOptions,
) {
    let mut connection = PgConnection::connect_with(&options)
        .await
        .expect("it connects");
    assert_eq!(user(&mut connection).await, "it_reader");
    connection
        .execute("discard all")
        .await
        .expect("it is allowed");
    assert_eq!(user(&mut connection).await, "it_reader");
    assert!(is_refused(
        pool.execute("insert into drafts values ('no')").await
    ));
}

#[db_test(session = as_reader)]
async fn what_resets_a_connection_returns_to_the_role(pool: PgPool) {
    for reset in [
        "reset role",
        "reset all",
        "set role none; reset role",
        "set session authorization default; reset role",
    ] {
        let mut connection = pool.acquire().await.expect("it is acquired");
        connection.execute(reset).await.expect("it is allowed");
        assert_eq!(user(&mut connection).await, "it_reader", "{reset}");
    }
}

#[db_test(session = as_configured)]
async fn the_settings_of_a_role_are_those_of_its_connections(pool: PgPool) {
    assert_settings(&pool).await;
}

#[db_test(session = as_configured, isolation = "database")]
async fn the_settings_of_a_role_are_there_in_a_database_of_its_own(pool: PgPool) {
    assert_settings(&pool).await;
}

async fn assert_settings(pool: &PgPool) {
    let mut connection = pool.acquire().await.expect("it is acquired");
    connection.execute("reset all").await.expect("it is reset");
    let settings =
        "select current_setting('statement_timeout') || ' ' || current_setting('search_path')";
    let settings: String = sqlx::query_scalar(settings)
        .fetch_one(&mut *connection)
        .await
        .expect("there is an answer");
    assert_eq!(settings, "7s app, public");
}

#[db_test(session = as_reader)]
async fn a_test_may_be_the_owner_until_it_resets_its_role(pool: PgPool) {
    let mut connection = pool.acquire().await.expect("it is acquired");
    connection
        .execute("set role none; insert into drafts values ('by the owner')")
        .await
        .expect("the owner may");
    connection
        .execute("reset role")
        .await
        .expect("the role is there");
    assert_eq!(user(&mut connection).await, "it_reader");
}

#[db_test(session = as_reader, fixtures("roles/drafts.sql"))]
async fn fixtures_are_the_owner_s(pool: PgPool) {
    let drafts = sqlx::query_scalar("select body from drafts");
    let drafts: Vec<String> = drafts.fetch_all(&pool).await.expect("they may be read");
    assert_eq!(drafts, ["by the owner"]);
    assert!(is_refused(pool.execute("delete from drafts").await));
}

#[db_test(session = as_reader, isolation = "database", fixtures("roles/drafts.sql"))]
async fn fixtures_are_the_owner_s_in_a_database_of_its_own(pool: PgPool) {
    assert!(is_refused(pool.execute("delete from drafts").await));
}

#[db_test(session = as_reader)]
async fn a_connection_from_outside_sees_all_rows(cx: TestContext) {
    let outside = cx.outside().await.expect("there are options");
    let mut outside = PgConnection::connect_with(&outside)
        .await
        .expect("it connects");
    assert_eq!(seen(&mut outside).await, ["not seen", "seen"]);
    outside.close().await.expect("it closes");
}

#[db_test(session = as_reader)]
async fn a_failed_statement_leaves_the_role(pool: PgPool) {
    let mut tx = pool.begin().await.expect("it begins");
    tx.execute("set local role none; select 1 / 0")
        .await
        .expect_err("it fails");
    drop(tx);
    let mut connection = pool.acquire().await.expect("it is acquired");
    assert_eq!(user(&mut connection).await, "it_reader");
}

#[db_test(session = as_asked)]
async fn the_role_of_a_child(pool: PgPool) {
    let mut connection = pool.acquire().await.expect("it is acquired");
    let expected = std::env::var(ROLE).unwrap_or(user(&mut connection).await);
    assert_eq!(user(&mut connection).await, expected);
    assert!(!in_child() || std::env::var_os("DB_TEST_KEEP").is_none());
}

pub(crate) const CHILD: &str = "roles::the_role_of_a_child";

#[test]
fn a_role_that_there_is_not_is_reported_with_those_that_there_are() {
    let failed = child::run(CHILD, &[(ROLE, "it_raeder")]);
    failed.assert_failed();
    for part in [
        "the role `it_raeder`",
        "correct `.role(\"it_raeder\")`",
        "`it_reader`",
    ] {
        failed.assert_says(part);
    }
}

#[test]
fn a_superuser_is_not_asked_for_by_its_name() {
    let failed = child::run(CHILD, &[(ROLE, "postgres")]);
    failed.assert_says("write `.superuser()`");
}

#[test]
fn policies_that_do_not_apply_are_reported_once() {
    let passed = child::run("roles::a_test_runs_as_an_ordinary", &[]);
    let expected = "the role `db_test` owns `notes`";
    assert_eq!(
        passed.output.matches(expected).count(),
        1,
        "{}",
        passed.output
    );
    let passed = child::run("roles::a_session_may_ask", &[]);
    let expected = "`postgres` is a superuser, to whom the policies of `notes`";
    assert_eq!(
        passed.output.matches(expected).count(),
        1,
        "{}",
        passed.output
    );
}

#[test]
fn policies_that_apply_are_not_reported() {
    let passed = child::run("roles::policies_and_privileges", &[]);
    passed.assert_passed();
    passed.assert_does_not_say("row-level");
}

#[db_test(session = as_owner)]
async fn the_owner_owns_the_schema_public(pool: PgPool) {
    pool.execute("drop schema public cascade; create schema public")
        .await
        .expect("it may");
}

#[db_test]
async fn the_database_of_a_failed_test_is_kept_whatever_its_role(_pool: PgPool) {
    let place = Place::new();
    let failed = place.run(CHILD, &[(ROLE, "it_reader"), ("DB_TEST_KEEP", "failed")]);
    failed.assert_says("-U postgres -d dbt_kept_");
    let listed = place.run(CHILD, &[("DB_TEST_KEEP", "list")]);
    listed.assert_says("roles::the_role_of_a_child, just now");
}

#[db_test]
async fn many_processes_at_once_become_the_role(_pool: PgPool) {
    let place = Place::new();
    for _ in 0..3 {
        let processes = [(); 8].map(|()| place.start(CHILD, &[(ROLE, "it_reader")]));
        for process in processes {
            process.finish().assert_passed();
        }
        let mut admin = place.connect().await;
        admin
            .execute("revoke it_reader from db_test")
            .await
            .expect("a superuser may");
        admin.close().await.expect("it closes");
    }
}

//! The role of a session on a given server, whose URL says who logs in.

use db_test::db_test;
use sqlx::{Connection, Executor, PgPool};

use crate::{
    place::Place,
    roles::{CHILD, ROLE},
};

/// A server of a team's, where the roles of the migrations are made if `admin` makes them; gives a
/// URL for `user`.
async fn given(place: &Place, admin: &str, user: &str, database: &str) -> String {
    place.run("injection::a_result", &[]).assert_passed();
    let mut connection = place.connect().await;
    for sql in admin.split("; ") {
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
        connection.execute(sql).await.expect("a superuser may");
    }
    connection.close().await.expect("it closes");
    let options = place.socket().username(user).database(database);
    sqlx::ConnectOptions::to_url_lossy(&options).to_string()
}

const ROLES: &str = "create role it_reader; create role it_configured";

#[db_test]
async fn a_member_of_the_role_can_be_it_on_a_given_server(_pool: PgPool) {
    let place = Place::new();
    let admin = format!("{ROLES}; create role ci login createdb");
    let url = given(&place, &admin, "ci", "postgres").await;
    let variables = [("TEST_DB_URL", url.as_str()), (ROLE, "it_reader")];
    let refused = place.run(CHILD, &variables);
    let expected = "as a role that may grant it, run: grant \"it_reader\" to \"ci\"";
    refused.assert_says(expected);
    given(&place, "grant it_reader to ci", "ci", "postgres").await;
    let passed = place.run(CHILD, &variables);
    passed.assert_passed();
}

#[db_test]
async fn a_role_that_may_create_roles_can_be_it_on_a_given_server(_pool: PgPool) {
    let place = Place::new();
    let admin = "create role ci login createdb createrole";
    let url = given(&place, admin, "ci", "postgres").await;
    let passed = place.run(CHILD, &[("TEST_DB_URL", &url), (ROLE, "it_reader")]);
    passed.assert_passed();
}

#[db_test]
async fn a_database_that_is_shared_is_used_as_the_role(_pool: PgPool) {
    let place = Place::new();
    let admin = format!(
        "{ROLES}; create role ci login; grant it_reader to ci; create database app owner ci"
    );
    let url = given(&place, &admin, "ci", "app").await;
    let passed = place.run(CHILD, &[("TEST_DB_URL", &url), (ROLE, "it_reader")]);
    passed.assert_says("all tests share");
    passed.assert_passed();
}

#[db_test]
async fn a_superuser_by_its_url_is_reported_of_policies_that_do_not_apply(_pool: PgPool) {
    let place = Place::new();
    let url = given(&place, ROLES, "postgres", "postgres").await;
    let passed = place.run(CHILD, &[("TEST_DB_URL", &url)]);
    let expected = "`postgres` is a superuser, to whom the policies of `notes`";
    assert_eq!(
        passed.output.matches(expected).count(),
        1,
        "{}",
        passed.output
    );
}

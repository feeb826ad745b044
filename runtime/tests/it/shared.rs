//! A role that may not create databases.

use db_test::db_test;
use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::place::Place;

/// A server with a role that owns one database and may not create others; gives that one's URL.
pub(crate) async fn limited(place: &Place) -> String {
    place.run("injection::a_result", &[]).assert_passed();
    let mut admin = place.connect().await;
    for sql in [
        "create role limited login",
        "create database app owner limited",
    ] {
        sqlx::raw_sql(sql)
            .execute(&mut admin)
            .await
            .expect("it is created");
    }
    let socket = place.socket();
    admin.close().await.expect("it closes");
    let options = socket.username("limited").database("app");
    options.to_url_lossy().to_string()
}

#[db_test]
async fn it_shares_the_database_that_test_db_url_names() {
    let place = Place::new();
    let url = limited(&place).await;
    let variables = [
        ("TEST_DB_URL", url.as_str()),
        ("DB_TEST_CHILD_SEED", "none"),
    ];
    let passed = place.run("injection::a_result", &variables);
    passed.assert_says("all tests share the server that TEST_DB_URL names");
    passed.assert_passed();
    let mut app = PgConnection::connect(&url).await.expect("it connects");
    let items: i64 = sqlx::query_scalar("select count(*) from items")
        .fetch_one(&mut app)
        .await
        .expect("migrated");
    app.close().await.expect("it closes");
    assert_eq!(items, 0);
}

#[db_test]
async fn it_never_writes_to_the_database_that_database_url_names() {
    let place = Place::new();
    let url = limited(&place).await;
    let refused = place.run("injection::a_result", &[("DATABASE_URL", &url)]);
    refused.assert_failed();
    refused.assert_says("ALTER ROLE \"limited\" CREATEDB;");
}

#[db_test]
async fn it_cannot_have_a_database_of_its_own() {
    let place = Place::new();
    let url = limited(&place).await;
    let variables = [
        ("TEST_DB_URL", url.as_str()),
        ("DB_TEST_CHILD_SEED", "none"),
    ];
    let refused = place.run("own_database::notifications", &variables);
    refused.assert_failed();
    refused.assert_says("needs a database of its own");
}

#[db_test]
async fn a_named_database_need_not_exist() {
    let place = Place::new();
    place.run("injection::a_result", &[]).assert_passed();
    let url = place
        .socket()
        .username("postgres")
        .database("nowhere")
        .to_url_lossy();
    let variables = [("TEST_DB_URL", url.as_str()), ("DB_TEST_CHILD_SEED", "new")];
    let passed = place.run("injection::a_result", &variables);
    passed.assert_passed();
}

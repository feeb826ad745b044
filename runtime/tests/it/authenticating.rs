//! Each way in which a server asks for a password.

use std::fs;

use child::Finished;
use db_test::db_test;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, postgres::PgConnectOptions};

use crate::place::Place;

/// A password that has to be encoded in a URL.
const PASSWORD: &str = "p@ss% wörd";

/// A private server on which tests have run.
fn used() -> Place {
    let place = Place::new();
    place.run("injection::a_result", &[]).assert_passed();
    place
}

/// Runs a test as a new role, which has to say a password in one of the server's ways.
async fn run_as(
    role: &str,
    place: &Place,
    (method, encryption): (&str, &str),
    said: &str,
) -> Finished {
    let mut admin = place.connect().await;
    let create = format!(
        "set password_encryption = '{encryption}'; \
         create role {role} login createdb password '{PASSWORD}'"
    );
    let created = sqlx::raw_sql(AssertSqlSafe(create))
        .execute(&mut admin)
        .await;
    created.expect("it is created");
    let file: String = sqlx::query_scalar("show hba_file")
        .fetch_one(&mut admin)
        .await
        .expect("it is shown");
    let rules = fs::read_to_string(&file).expect("it can be read");
    fs::write(&file, format!("local all {role} {method}\n{rules}")).expect("it is written");
    sqlx::query("select pg_reload_conf()")
        .execute(&mut admin)
        .await
        .expect("it reloads");
    admin.close().await.expect("it closes");
    let options = place.socket().username(role).database("postgres");
    until_refused(&options).await;
    let url = options.password(said).to_url_lossy();
    place.run("transactions::", &[("TEST_DB_URL", url.as_str())])
}

/// Waits until the server asks for a password: it reads its rules again some time after
/// `pg_reload_conf` has returned.
async fn until_refused(options: &PgConnectOptions) {
    while let Ok(connection) = options.connect().await {
        connection.close().await.expect("it closes");
    }
}

#[db_test]
async fn a_password_is_proved_in_each_way() {
    let place = used();
    for (role, way) in [
        ("by_scram", ("scram-sha-256", "scram-sha-256")),
        ("by_md5", ("md5", "md5")),
        ("by_password", ("password", "scram-sha-256")),
    ] {
        let passed = run_as(role, &place, way, PASSWORD).await;
        assert!(passed.success, "{role}: {}", passed.output);
    }
}

#[db_test]
async fn a_wrong_password_is_reported_and_not_printed() {
    let failed = run_as(
        "keeper",
        &used(),
        ("scram-sha-256", "scram-sha-256"),
        "sesame",
    )
    .await;
    failed.assert_failed();
    let expected = "check the user and the password in the URL";
    failed.assert_says(expected);
    failed.assert_does_not_say("sesame");
}

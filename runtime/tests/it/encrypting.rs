//! Servers that want encryption.

use std::fs;

use child::Finished;
use db_test::db_test;

use crate::{encrypted::Encrypted, place::Place};

/// A private server on which tests have run.
fn used() -> Place {
    let place = Place::new();
    place.run("injection::a_result", &[]).assert_passed();
    place
}

/// Runs tests against the server with encryption in front of it, and a URL that ends in these
/// parameters; gives what they printed and how many connections were encrypted.
fn run(place: &Place, host: &str, parameters: &str) -> (Finished, usize) {
    let server = Encrypted::before(place.instance().join("s/.s.PGSQL.5432"));
    let authority = place.instance().join("authority.pem");
    fs::write(&authority, &server.authority).expect("it is written");
    let parameters = parameters.replace("AUTHORITY", authority.to_str().expect("it is UTF-8"));
    let url = format!(
        "postgres://postgres@{host}:{}/postgres?{parameters}",
        server.port
    );
    let ran = place.run("encrypting::on_request::", &[("TEST_DB_URL", &url)]);
    (ran, server.count())
}

#[db_test]
async fn a_server_that_wants_encryption_gets_it_and_statements_are_recorded() {
    let place = used();
    for parameters in [
        "sslmode=require",
        "sslmode=verify-ca&sslrootcert=AUTHORITY",
        "sslmode=verify-full&sslrootcert=AUTHORITY",
        // Where nobody reads along, it is tried without first.
        "sslmode=prefer",
        "sslmode=allow",
    ] {
        let (passed, encrypted) = run(&place, "localhost", parameters);
        assert!(passed.success, "{parameters}: {}", passed.output);
        assert!(encrypted > 0, "{parameters}");
    }
}

#[db_test]
async fn a_server_with_the_wrong_certificate_is_refused() {
    let place = used();
    for (host, parameters) in [
        ("localhost", "sslmode=verify-full"),
        ("localhost", "sslmode=verify-ca"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=AUTHORITY"),
    ] {
        let (failed, encrypted) = run(&place, host, parameters);
        assert!(!failed.success, "{host} {parameters}: {}", failed.output);
        assert_eq!(encrypted, 0, "{host} {parameters}: {}", failed.output);
    }
}

#[db_test]
async fn an_authority_alone_does_not_vouch_for_the_name() {
    let (passed, _) = run(
        &used(),
        "127.0.0.1",
        "sslmode=verify-ca&sslrootcert=AUTHORITY",
    );
    passed.assert_passed();
}

#[db_test]
async fn encryption_that_is_not_wanted_is_not_used() {
    let (failed, encrypted) = run(&used(), "localhost", "sslmode=disable");
    failed.assert_says("no encryption");
    assert_eq!(encrypted, 0);
}

mod on_request {
    use db_test::{Queries, TestContext, db_test};
    use sqlx::{Connection, PgConnection, PgPool};

    use crate::app::{names, try_add};

    #[db_test]
    async fn in_a_transaction(pool: PgPool, queries: Queries) {
        let added = queries.expect(1, try_add(&pool, "mine")).await;
        added.expect("it is added");
        let megabytes: String = sqlx::query_scalar("select repeat('x', 3000000)")
            .fetch_one(&pool)
            .await
            .expect("they arrive");
        assert_eq!(megabytes.len(), 3_000_000);
    }

    #[db_test(isolation = "database")]
    async fn in_a_database_of_its_own(pool: PgPool, queries: Queries) {
        let added = queries.expect(1, try_add(&pool, "mine")).await;
        added.expect("it is added");
        let megabytes: String = sqlx::query_scalar("select repeat('x', 3000000)")
            .fetch_one(&pool)
            .await
            .expect("they arrive");
        assert_eq!(megabytes.len(), 3_000_000);
    }

    #[db_test]
    async fn outside(cx: TestContext, pool: PgPool) {
        let options = cx.outside().await.expect("there is one");
        let mut outside = PgConnection::connect_with(&options)
            .await
            .expect("it connects");
        outside.ping().await.expect("it is there");
        assert_eq!(names(&pool).await, ["seeded"]);
    }
}

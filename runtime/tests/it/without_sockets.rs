//! Where there are no Unix sockets, or programs that know none, the proxy listens on the loopback
//! interface, and refuses clients without the password of the test's URL.

use child::in_child;
use db_test::{TestContext, db_test};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

const NOWHERE: [(&str, &str); 2] = [("DB_TEST_LOOPBACK", "1"), ("DB_TEST_LOG", "trace")];

#[test]
fn everything_works_without_unix_sockets() {
    for tests in [
        "transactions::",
        "autocommit::",
        "queries::statements_",
        "own_connections::",
    ] {
        let passed = child::run(tests, &NOWHERE);
        passed.assert_passed();
        let rolled_back = passed.output.contains("rolled back; nothing escaped");
        assert!(rolled_back, "{}", passed.output);
    }
}

#[test]
fn what_outlives_its_test_is_refused_by_name_without_unix_sockets() {
    let alone = [NOWHERE[0], ("RUST_TEST_THREADS", "1")];
    for tests in ["leaks::in_order::", "leaks::a_leaked_client_"] {
        let passed = child::run(tests, &alone);
        assert!(passed.success, "{}", passed.output);
    }
}

#[test]
fn who_does_not_know_the_password_is_refused() {
    let passed = child::run("without_sockets::on_request::", &NOWHERE);
    passed.assert_passed();
}

mod on_request {
    use super::{Connection, PgConnectOptions, PgConnection, TestContext, db_test, in_child};

    #[db_test]
    async fn connecting_with_another_password(cx: TestContext) {
        let url = cx.url().await.expect("there is one");
        let mut connection = PgConnection::connect(&url)
            .await
            .expect("it knows the password");
        connection.ping().await.expect("it is there");
        if !in_child() {
            return;
        }
        let options: PgConnectOptions = url.parse().expect("it is a URL");
        let refused = PgConnection::connect_with(&options.password("sesame")).await;
        let refused = refused.expect_err("it is another one").to_string();
        assert!(
            refused.contains("not the password of the test's URL"),
            "{refused}"
        );
    }
}

//! Where no Unix socket of our own can be made, statements are not heard, and everything else works: the
//! greeter is on the loopback interface, and nothing is put in front of a statement.

use db_test::{Queries, db_test};
use sqlx::PgPool;

use crate::{app::try_add, child};

const NOWHERE: [(&str, &str); 2] = [("TMPDIR", "/nonexistent"), ("DB_TEST_LOG", "trace")];

#[test]
fn the_sandbox_does_without_a_relay() {
    for tests in ["transactions::", "autocommit::"] {
        let passed = child::run(tests, &NOWHERE);
        assert!(passed.success, "{}", passed.output);
        let rolled_back = passed.output.contains("rolled back; nothing escaped");
        assert!(rolled_back, "{}", passed.output);
    }
}

#[test]
fn what_cannot_be_counted_is_not_taken_for_nothing() {
    for test in [
        "within_its_limit",
        "within_its_limit_of_each_request",
        "counts",
    ] {
        let name = format!("without_sockets::limited::{test}");
        let failed = child::run(&name, &NOWHERE);
        assert!(!failed.success, "{name}: {}", failed.output);
        let why = "the statements of this test cannot be counted";
        assert!(failed.output.contains(why), "{}", failed.output);
        let cure = "a directory for its socket (TMPDIR)";
        assert!(failed.output.contains(cure), "{}", failed.output);
    }
}

mod limited {
    use super::{PgPool, Queries, db_test, try_add};

    #[db_test(max_queries = 1)]
    async fn within_its_limit(pool: PgPool) {
        try_add(&pool, "written").await.expect("it is added");
    }

    #[db_test(max_queries_per_request = 1)]
    async fn within_its_limit_of_each_request(pool: PgPool) {
        try_add(&pool, "written").await.expect("it is added");
    }

    #[db_test]
    async fn counts(pool: PgPool, queries: Queries) {
        let added = queries.expect(1, try_add(&pool, "written")).await;
        added.expect("it is added");
    }
}

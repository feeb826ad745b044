//! What is of one kind of database alone is refused on the other, with what to write.

use db_test::{Session, TestContext, db_test};
use sqlx::SqlitePool;

#[test]
fn what_is_of_postgres_alone_is_refused() {
    for test in [
        "asking_for_postgres",
        "asking_for_faults",
        "asking_for_a_savepoint",
    ] {
        let failed = child::run(&format!("on_request::{test}"), &[]);
        failed.assert_failed();
        let refusal = "the test needs PostgreSQL, and its session's database is SQLite";
        failed.assert_says(refusal);
    }
}

fn on_postgres() -> Session {
    Session::postgres().migrations("tests/migrations")
}

#[db_test(session = on_postgres)]
async fn a_file_is_refused_by_a_session_on_postgres(cx: TestContext) {
    let refusal = cx
        .get::<SqlitePool>()
        .await
        .expect_err("there is none")
        .to_string();
    assert!(
        refusal.contains("write `Session::sqlite()` in the session function"),
        "{refusal}"
    );
}

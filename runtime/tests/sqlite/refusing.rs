//! What is of one kind of database alone is refused on the other, with what to write.

use db_test::{Client, Session, TestContext, db_test};
use sqlx::SqlitePool;

#[test]
fn what_is_of_postgres_alone_is_refused() {
    for (test, what) in [
        ("asking_for_postgres", "the test"),
        ("asking_for_faults", "`Faults`"),
        ("asking_for_a_savepoint", "`cx.savepoint()`"),
    ] {
        let failed = child::run(&format!("on_request::{test}"), &[]);
        let refusal = format!("{what} needs PostgreSQL, and the session's database is SQLite\n");
        failed.assert_failed_with(&refusal);
    }
}

fn without_application() -> Session {
    Session::sqlite().migrations("tests/sqlite/migrations")
}

#[db_test(session = without_application)]
async fn what_is_missing_is_named_by_its_kind(cx: TestContext) {
    let no_app = cx
        .get::<Client>()
        .await
        .err()
        .map(|error| error.to_string());
    let no_app = no_app.expect("there is no application");
    assert!(
        no_app.contains("or take a `SqlitePool` instead"),
        "{no_app}"
    );
    let refused = cx.sqlite_connect_options_of("cache");
    let no_database = refused.expect_err("there is none").to_string();
    assert!(
        no_database.contains("add it: `.sqlite_database(\"cache\", |database|"),
        "{no_database}"
    );
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

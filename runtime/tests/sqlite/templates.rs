//! The template file: made once, made again when it is gone, and never left half-made.

use db_test::{Session, db_test};
use sqlx::SqlitePool;

use crate::{add, home::Home, names};

/// The variable by which a test makes its child start from other migrations.
pub(crate) const MIGRATIONS: &str = "DB_TEST_CHILD_MIGRATIONS";

/// The variable by which a test makes its child run another seed.
pub(crate) const SEED: &str = "DB_TEST_CHILD_SEED";

fn run(home: &Home, environment: &[(&str, &str)]) -> child::Finished {
    child::run(A_TEST, &[&home.environment()[..], environment].concat())
}

const A_TEST: &str = "arguments::a_pool_has_migrations_and_seeds";

#[test]
fn a_template_is_made_once_and_nothing_else_stays() {
    let home = Home::new("once");
    let first = run(&home, &[]);
    assert!(
        first.success && first.output.contains("was made"),
        "{}",
        first.output
    );
    let second = run(&home, &[]);
    assert!(
        second.success && second.output.contains("was there"),
        "{}",
        second.output
    );
    let files = home.files();
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(
        files[0] == "kept"
            && files[1].strip_suffix(".db").is_some()
            && files[2].strip_suffix(".lock").is_some(),
        "{files:?}"
    );
}

#[test]
fn other_migrations_are_another_template() {
    let home = Home::new("other");
    for migrations in ["tests/sqlite/migrations", "tests/sqlite/other"] {
        let run = run(&home, &[(MIGRATIONS, migrations)]);
        assert!(
            run.success && run.output.contains("was made"),
            "{}",
            run.output
        );
    }
}

#[test]
fn a_migration_that_fails_is_reported_with_its_line_and_leaves_nothing() {
    let home = Home::new("broken");
    let failed = run(&home, &[(MIGRATIONS, "tests/sqlite/broken")]);
    failed.assert_failed();
    for expected in [
        "migration `1_users` failed at tests/sqlite/broken/0001_users.sql:2",
        "syntax error",
        "if the migration is PostgreSQL's, the session is `Session::postgres()`",
    ] {
        failed.assert_says(expected);
    }
    let files = home.files();
    assert!(
        !files.iter().any(|name| name.strip_suffix(".db").is_some()),
        "{files:?}"
    );
}

#[test]
fn a_seed_that_fails_is_reported_with_its_statement() {
    let home = Home::new("seed");
    let seed = "create trigger t after insert on posts begin\n  select 1;\nend;\n\ninsert into nowhere values (1);";
    let failed = run(&home, &[(SEED, seed)]);
    failed.assert_failed();
    for expected in [
        "the session's seed failed: error returned from database: (code: 1) no such table: nowhere",
        "in line 5 of its SQL: insert into nowhere values (1);",
    ] {
        failed.assert_says(expected);
    }
}

/// The same code with another value.
fn seeded_with(name: &'static str) -> Session {
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .sqlite_seed(move |pool| async move { add(&pool, name).await })
}

fn one() -> Session {
    seeded_with("one")
}

fn two() -> Session {
    seeded_with("two")
}

#[db_test(session = one)]
async fn a_value_that_a_seed_captures_is_of_its_session(pool: SqlitePool) {
    assert_eq!(names(&pool).await, ["one"]);
}

#[db_test(session = two)]
async fn another_value_is_of_another_session(pool: SqlitePool) {
    assert_eq!(names(&pool).await, ["two"]);
}

//! The schema is migrated once, ever: not for each test, not for each process.

use child::{Child, say};
use db_test::{Session, db_test};
use demo_app::database::MIGRATOR;
use sqlx::PgPool;

#[db_test]
async fn each_migration_was_run_once(db: PgPool) -> sqlx::Result<()> {
    let select = sqlx::query_scalar("select version from _sqlx_migrations order by version");
    let run: Vec<i64> = select.fetch_all(&db).await?;
    assert_eq!(
        run,
        MIGRATOR
            .iter()
            .map(|migration| migration.version)
            .collect::<Vec<_>>()
    );
    Ok(())
}

#[db_test]
async fn another_process_does_not_run_them_again(db: PgPool) -> sqlx::Result<()> {
    let outcome = Child::exactly("migrations", &["the_time_of_the_migrations"]).run();
    outcome.assert_passed();
    assert_eq!(outcome.said("migrated"), [migrated(&db).await?]);
    Ok(())
}

/// The inner test of the one above.
#[db_test]
async fn the_time_of_the_migrations(db: PgPool) -> sqlx::Result<()> {
    say("migrated", migrated(&db).await?);
    Ok(())
}

async fn migrated(db: &PgPool) -> sqlx::Result<String> {
    let select =
        "select string_agg(installed_on::text, ' ' order by version) from _sqlx_migrations";
    sqlx::query_scalar(select).fetch_one(db).await
}

/// What a test without a session of its own would have.
fn as_usual() -> Session {
    Session::postgres()
}

#[db_test(session = as_usual)]
async fn the_usual_directory_is_found(db: PgPool) -> sqlx::Result<()> {
    migrated(&db).await.map(drop)
}

#[db_test]
async fn a_directory_that_the_tests_have_left_behind_is_missed() {
    let elsewhere = std::env::temp_dir();
    let outcome = Child::exactly("migrations", &["the_usual_directory_is_found"])
        .env("CARGO_MANIFEST_DIR", elsewhere.to_string_lossy())
        .run();
    let missing = elsewhere.join("migrations");
    outcome.assert_failed_with(&format!("the directory {} is missing", missing.display()));
}

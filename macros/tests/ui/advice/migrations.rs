// macros/tests/ui/migrator_without_quotes.stderr: migrator = "crate::MIGRATOR"
// macros/tests/ui/migrations_by_path.stderr: migrations = "migrations"
// macros/tests/ui/migrations_by_path.stderr: migrations = false
// macros/tests/ui/start_paused_on_the_shared_runtime.stderr: flavor = "current_thread", start_paused = true
// macros/tests/ui/unknown_flavor.stderr: flavor = "multi_thread"
use db_test::db_test;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

#[db_test(migrator = "crate::MIGRATOR")]
async fn names_a_migrator() {}

#[db_test(migrations = "migrations")]
async fn names_a_directory() {}

#[db_test(migrations = false)]
async fn has_none() {}

#[db_test(flavor = "current_thread", start_paused = true)]
async fn is_paused() {}

#[db_test(flavor = "multi_thread")]
async fn is_shared() {}

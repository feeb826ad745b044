// macros/tests/ui/migrator_by_path.stderr: #[db_test::session] fn session() -> Session { Session::postgres().migrations(&my_crate::MIGRATOR) }
// macros/tests/ui/migrations_in_a_directory.stderr: Session::postgres().migrations("db/migrations")
// macros/tests/ui/migrations_disabled.stderr: Session::postgres().migrations(sqlx::migrate::Migrator::DEFAULT)
// macros/tests/ui/migrations_disabled.stderr: #[db_test(session = session)]
use db_test::{Session, db_test};

mod my_crate {
    pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;
}

#[rustfmt::skip]
#[db_test::session] fn session() -> Session { Session::postgres().migrations(&my_crate::MIGRATOR) }

fn other() -> Session {
    Session::postgres().migrations("db/migrations")
}

fn none() -> Session {
    Session::postgres().migrations(sqlx::migrate::Migrator::DEFAULT)
}

#[db_test(session = session)]
async fn names_its_session() {}

#[db_test(session = other)]
async fn names_another() {}

#[db_test(session = none)]
async fn names_none() {}

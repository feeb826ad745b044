//! The session of all variants of `#[db_test]` on SQLite, and their tests.

use db_test::Session;
use sqlx::migrate::Migrator;

use crate::app::app;

pub fn session_of(migrator: &Migrator) -> Session {
    let migrations = migrator.iter().cloned().collect();
    Session::sqlite()
        .migrations(Migrator::with_migrations(migrations))
        .app(|cx| app(cx.sqlite_pool()))
}

/// A module with a thousand tests on a schema.
#[macro_export]
macro_rules! db_tests {
    ($module:ident, $migrator:expr, $isolation:literal) => {
        mod $module {
            use db_test::{Client, Session, db_test};
            use variants::{body::three_requests, ten_times};
            use variants_sqlite::{schema, session::session_of};

            fn session() -> Session {
                session_of(&$migrator)
            }

            ten_times! { ten_times! { ten_times! {
                #[db_test(session = session, isolation = $isolation)]
                async fn test(client: Client) {
                    three_requests(&client).await;
                }
            } } }
        }
    };
}

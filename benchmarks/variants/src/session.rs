//! The session of all variants of `#[db_test]`, and their tests.

use db_test::Session;
use sqlx::migrate::Migrator;

use crate::app::app;

pub fn session_of(migrator: &Migrator) -> Session {
    let migrations = migrator.iter().cloned().collect();
    Session::postgres()
        .migrations(Migrator::with_migrations(migrations))
        .app(|cx| app(cx.pool()))
}

/// A module with a thousand tests on a schema, with options of the attribute.
#[macro_export]
macro_rules! db_tests {
    ($module:ident, $migrator:expr $(, $option:ident = $value:literal)?) => {
        mod $module {
            use db_test::{Client, Session, db_test};
            use variants::{body::three_requests, schema, session::session_of, ten_times};

            fn session() -> Session {
                session_of(&$migrator)
            }

            ten_times! { ten_times! { ten_times! {
                #[db_test(session = session $(, $option = $value)?)]
                async fn test(client: Client) {
                    three_requests(&client).await;
                }
            } } }
        }
    };
}

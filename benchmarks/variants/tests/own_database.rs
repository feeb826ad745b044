//! `#[db_test(isolation = "database")]`: a database of its own for each test, with real commits.

use db_test::{Client, Session, db_test};
use sqlx::migrate::Migrator;
use variants::{app::app, body::three_requests, schema, ten_times};

fn session_of(migrator: &Migrator) -> Session {
    let migrations = migrator.iter().cloned().collect();
    Session::postgres()
        .migrations(Migrator::with_migrations(migrations))
        .app(|cx| app(cx.pool()))
}

macro_rules! tests {
    ($module:ident, $migrator:expr) => {
        mod $module {
            use super::*;

            fn session() -> Session {
                session_of(&$migrator)
            }

            ten_times! { ten_times! { ten_times! {
                #[db_test(session = session, isolation = "database")]
                async fn test(client: Client) {
                    three_requests(&client).await;
                }
            } } }
        }
    };
}

tests!(m1, schema::ONE);
tests!(m30, schema::THIRTY);
tests!(m300, schema::THREE_HUNDRED);

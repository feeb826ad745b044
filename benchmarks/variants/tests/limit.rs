//! The limit: a held connection, a transaction that is rolled back, and the bare statements.

use std::sync::{LazyLock, Mutex};

use sqlx::{Connection, PgConnection};
use tokio::runtime::Runtime;
use variants::{body::bare_statements, database::Prepared, schema, ten_times};

#[expect(clippy::disallowed_methods, reason = "here the one runtime is this")]
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

macro_rules! tests {
    ($module:ident, $migrator:expr) => {
        mod $module {
            use super::*;

            static DATABASE: LazyLock<Prepared> =
                LazyLock::new(|| Prepared::new("limit", &$migrator));
            static HELD: Mutex<Vec<PgConnection>> = Mutex::new(Vec::new());

            async fn run() -> Result<(), sqlx::Error> {
                let held = HELD.lock().expect("no test has panicked").pop();
                let mut connection = match held {
                    Some(connection) => connection,
                    None => PgConnection::connect_with(DATABASE.options(&$migrator).await).await?,
                };
                let mut tx = connection.begin().await?;
                bare_statements(&mut tx).await?;
                tx.rollback().await?;
                HELD.lock().expect("no test has panicked").push(connection);
                Ok(())
            }

            ten_times! { ten_times! { ten_times! {
                #[test]
                fn test() -> Result<(), sqlx::Error> {
                    RUNTIME.block_on(run())
                }
            } } }
        }
    };
}

tests!(m1, schema::ONE);
tests!(m30, schema::THIRTY);
tests!(m300, schema::THREE_HUNDRED);

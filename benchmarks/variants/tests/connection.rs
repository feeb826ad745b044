//! A new connection for each test: connect, begin, a pool of one, roll back, close.

use std::sync::LazyLock;

use sqlx::{Database, Postgres, postgres::PgPoolOptions};
use sqlx_core::transaction::TransactionManager;
use tokio::runtime::Runtime;
use variants::{body::three_requests_on, database::Prepared, schema, ten_times};

type Manager = <Postgres as Database>::TransactionManager;

#[expect(clippy::disallowed_methods, reason = "here the one runtime is this")]
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

macro_rules! tests {
    ($module:ident, $migrator:expr) => {
        mod $module {
            use super::*;

            static DATABASE: LazyLock<Prepared> =
                LazyLock::new(|| Prepared::new("connection", &$migrator));

            async fn run() -> Result<(), sqlx::Error> {
                let options = DATABASE.options(&$migrator).await.clone();
                let pool = PgPoolOptions::new()
                    .max_connections(1)
                    // Told to sqlx, so that the application's transactions become savepoints.
                    .after_connect(|connection, _| Box::pin(Manager::begin(connection, None)))
                    .connect_lazy_with(options);
                three_requests_on(pool.clone()).await;
                let mut connection = pool.acquire().await?;
                Manager::rollback(&mut connection).await?;
                connection.close().await?;
                pool.close().await;
                Ok(())
            }

            ten_times! { ten_times! {
                #[test]
                fn test() -> Result<(), sqlx::Error> {
                    RUNTIME.block_on(run())
                }
            } }
        }
    };
}

tests!(m1, schema::ONE);
tests!(m30, schema::THIRTY);
tests!(m300, schema::THREE_HUNDRED);

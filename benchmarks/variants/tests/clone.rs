//! A clone of a template for each test: create, connect, test, close, drop.

use std::sync::LazyLock;

use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::runtime::Runtime;
use variants::{
    body::three_requests_on,
    database::{Prepared, admin, drop_database},
    schema, ten_times,
};

#[expect(clippy::disallowed_methods, reason = "here the one runtime is this")]
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static ADMIN: LazyLock<PgPool> = LazyLock::new(admin);

macro_rules! tests {
    ($module:ident, $migrator:expr) => {
        mod $module {
            use super::*;

            static TEMPLATE: LazyLock<Prepared> =
                LazyLock::new(|| Prepared::new("template", &$migrator));

            async fn run() {
                TEMPLATE.options(&$migrator).await;
                let (name, options) = TEMPLATE.clone(&ADMIN).await;
                // As `#[sqlx::test]` has it.
                let pool = PgPoolOptions::new()
                    .max_connections(5)
                    .connect_lazy_with(options);
                three_requests_on(pool.clone()).await;
                pool.close().await;
                drop_database(&ADMIN, &name).await;
            }

            ten_times! { ten_times! {
                #[test]
                fn test() {
                    RUNTIME.block_on(run());
                }
            } }
        }
    };
}

tests!(m1, schema::ONE);
tests!(m30, schema::THIRTY);
tests!(m300, schema::THREE_HUNDRED);

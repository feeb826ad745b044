//! The floor: a plain shared pool on one shared runtime, and no isolation at all.

use std::sync::LazyLock;

use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{runtime::Runtime, sync::OnceCell};
use variants::{
    body::three_requests_on,
    database::{CONNECTIONS, Prepared},
    schema, ten_times,
};

#[expect(clippy::disallowed_methods, reason = "here the one runtime is this")]
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

macro_rules! tests {
    ($module:ident, $migrator:expr) => {
        mod $module {
            use super::*;

            async fn pool() -> PgPool {
                static POOL: OnceCell<PgPool> = OnceCell::const_new();
                let make = || async {
                    let database = Prepared::new("floor", &$migrator);
                    let options = database.options(&$migrator).await.clone();
                    PgPoolOptions::new()
                        .max_connections(CONNECTIONS)
                        .connect_lazy_with(options)
                };
                POOL.get_or_init(make).await.clone()
            }

            ten_times! { ten_times! { ten_times! {
                #[test]
                fn test() {
                    RUNTIME.block_on(async { three_requests_on(pool().await).await });
                }
            } } }
        }
    };
}

tests!(m1, schema::ONE);
tests!(m30, schema::THIRTY);
tests!(m300, schema::THREE_HUNDRED);

//! `#[sqlx::test]`: a new database and all migrations for each test.

use sqlx::PgPool;
use variants::{body::three_requests_on, schema, ten_times};

macro_rules! tests {
    ($module:ident, $migrator:literal) => {
        mod $module {
            use super::*;

            ten_times! { ten_times! {
                #[sqlx::test(migrator = $migrator)]
                async fn test(pool: PgPool) {
                    three_requests_on(pool).await;
                }
            } }
        }
    };
}

tests!(m1, "schema::ONE");
tests!(m30, "schema::THIRTY");
tests!(m300, "schema::THREE_HUNDRED");

//! `#[sqlx::test]`: a new file and all migrations for each test.

use sqlx::SqlitePool;
use variants::{body::three_requests, ten_times};
use variants_sqlite::{app::client, schema};

macro_rules! tests {
    ($module:ident, $migrator:literal) => {
        mod $module {
            use super::*;

            ten_times! { ten_times! {
                #[sqlx::test(migrator = $migrator)]
                async fn test(pool: SqlitePool) {
                    three_requests(&client(pool)).await;
                }
            } }
        }
    };
}

tests!(m1, "schema::ONE");
tests!(m300, "schema::THREE_HUNDRED");

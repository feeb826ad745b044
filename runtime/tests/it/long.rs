//! Statements and parameters that are too long to be kept.

use db_test::{Queries, db_test};
use sqlx::{AssertSqlSafe, PgPool};

use crate::app::names;

/// More than is kept of a message.
const LONG: usize = 300_000;

#[db_test]
async fn a_long_statement_is_counted_and_found(pool: PgPool, queries: Queries) {
    let text = "x".repeat(LONG);
    let insert = format!("insert into items (name) select left('{text}', 5)");
    let simple = sqlx::raw_sql(AssertSqlSafe(insert.clone())).execute(&pool);
    queries.expect(1, simple).await.expect("it is added");
    let again = sqlx::query(AssertSqlSafe(insert)).execute(&pool);
    queries.expect(1, again).await.expect_err("it is there");
    let found = queries.matching("insert into items");
    assert_eq!(found[0].rows(), Some(1));
    assert_eq!(found[1].error_code(), Some("23505"));
    assert!(found[0].sql().len() < LONG, "only its beginning is kept");
}

#[db_test]
async fn what_stands_after_a_long_parameter_is_not_made_up(pool: PgPool, queries: Queries) {
    let select = sqlx::query("select $1::bytea, $2::int4, $3::text");
    let select = select.bind(vec![1_u8; LONG]).bind(5).bind("z");
    select.fetch_one(&pool).await.expect("it is selected");
    let query = queries.all().remove(0);
    let parameters = query.parameters();
    assert!(parameters[0].contains("(300000 bytes)"), "{parameters:?}");
    assert!(
        parameters.len() == 1 || parameters[1..] == ["5", "'z'"],
        "{parameters:?}"
    );
}

#[db_test]
async fn megabytes_go_both_ways(pool: PgPool) {
    let text = "y".repeat(8_000_000);
    let back: String = sqlx::query_scalar("select $1::text")
        .bind(&text)
        .fetch_one(&pool)
        .await
        .expect("it comes back");
    assert!(back == text, "it is as it was");
}

#[db_test]
async fn a_time_limit_for_idle_transactions_is_not_that_of_the_test(pool: PgPool) {
    let set = "select set_config('idle_in_transaction_session_timeout', '50', false)";
    sqlx::query(set).execute(&pool).await.expect("it is set");
    let insert = "insert into items (name) values ('mine')";
    sqlx::query(insert)
        .execute(&pool)
        .await
        .expect("it is added");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(names(&pool).await, ["seeded", "mine"]);
}

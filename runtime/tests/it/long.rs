//! Statements and parameters that are too long to be kept.

use db_test::{Queries, db_test};
use sqlx::{AssertSqlSafe, PgPool};

use crate::{app::names, child};

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
async fn a_setting_made_by_a_function_ends_at_the_release(pool: PgPool) {
    let set = "select set_config('idle_in_transaction_session_timeout', '50', false)";
    sqlx::query(set).execute(&pool).await.expect("it is set");
    sqlx::query("insert into items (name) values ('mine')")
        .execute(&pool)
        .await
        .expect("it is added");
    let other: String = sqlx::query_scalar(
        "select pg_sleep(0.2)::text || current_setting('idle_in_transaction_session_timeout')",
    )
    .fetch_one(&pool)
    .await
    .expect("the connection is there");
    assert_eq!(other, "0");
    assert_eq!(names(&pool).await, ["seeded", "mine"]);
}

#[test]
fn an_escape_is_blamed_however_long_the_statement_and_whatever_becomes_of_the_connection() {
    let failed = child::run("on_request::escaping::", &[]);
    for name in [
        "in_a_long_statement",
        "and_closing_the_connection",
        "and_leaking_the_connection",
    ] {
        let title = format!("{name} escaped from its transaction");
        assert!(failed.output.contains(&title), "{title}: {}", failed.output);
    }
    let next = child::run("rollback::a_test_starts_from_the_seed", &[]);
    assert!(next.success, "{}", next.output);
}

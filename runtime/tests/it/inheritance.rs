//! What migrations say about their database holds in each test's.

use db_test::{Session, TestContext, db_test};
use sqlx::{Connection, PgConnection, PgPool};

fn saying() -> Session {
    Session::postgres().migrations("tests/it/inheritance/migrations")
}

async fn text(pool: &PgPool, expression: &str) -> String {
    let sql = sqlx::AssertSqlSafe(format!("select ({expression})::text"));
    let text = sqlx::query_scalar(sql).fetch_one(pool);
    text.await.expect("there is an answer")
}

async fn find(pool: PgPool) {
    sqlx::query("insert into by_its_path values (1)")
        .execute(&pool)
        .await
        .expect("it is on the path");
    for (expression, expected) in [
        (
            "current_setting('search_path')",
            "inherited, \"$user\", public",
        ),
        (
            "select setting from pg_db_role_setting, unnest(setconfig) setting \
             where setting like 'application%' and setdatabase = \
             (select oid from pg_database where datname = current_database())",
            "application_name=a \"quoted\" \\value",
        ),
        ("current_setting('statement_timeout')", "7s"),
        ("current_setting('work_mem')", "5MB"),
        (
            "select string_agg(grantee::regrole || ' ' || privilege_type || ' ' || is_grantable, ', ') \
             from pg_database, aclexplode(datacl) \
             where datname = current_database() and grantee <> datdba",
            "pg_monitor CONNECT true",
        ),
    ] {
        assert_eq!(text(&pool, expression).await, expected, "{expression}");
    }
}

#[db_test(session = saying)]
async fn a_lane_has_what_migrations_say_about_their_database(pool: PgPool) {
    find(pool).await;
}

#[db_test(session = saying, isolation = "database")]
async fn a_database_of_its_own_has_what_migrations_say_about_it(pool: PgPool) {
    find(pool).await;
}

#[db_test(session = saying)]
async fn a_look_from_outside_has_it_too(cx: TestContext) {
    let outside = cx.outside().await.expect("there are options");
    let mut outside = PgConnection::connect_with(&outside)
        .await
        .expect("it connects");
    let path: String = sqlx::query_scalar("show search_path")
        .fetch_one(&mut outside)
        .await
        .expect("there is an answer");
    assert_eq!(path, "inherited, \"$user\", public");
    outside.close().await.expect("it closes");
}

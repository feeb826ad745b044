//! Choosing the server: `TEST_DB_URL`, then `DATABASE_URL`, then a private one.

use child::{Child, say};
use db_test::{BoxError, TestContext, db_test};
use sqlx::{ConnectOptions, PgPool};

/// The inner test of the other two.
#[db_test]
async fn the_memory_for_sorting(db: PgPool) -> sqlx::Result<()> {
    let work_mem: String = sqlx::query_scalar("show work_mem").fetch_one(&db).await?;
    say("work_mem", work_mem);
    Ok(())
}

#[db_test]
async fn the_server_in_test_db_url_is_used(cx: TestContext) -> Result<(), BoxError> {
    let mut url = cx.outside().await?.to_url_lossy();
    url.query_pairs_mut()
        .append_pair("options", "-c work_mem=1234kB");
    let child = Child::exactly("server", &["the_memory_for_sorting"]).env("TEST_DB_URL", url);
    let outcome = child
        .env("DATABASE_URL", "postgres://localhost:1/not_this_one")
        .run();
    outcome.assert_passed();
    assert_eq!(outcome.said("work_mem"), ["1234kB"]);
    Ok(())
}

#[db_test]
async fn a_server_that_does_not_answer_is_reported_without_its_password() {
    let outcome = Child::exactly("server", &["the_memory_for_sorting"])
        .env("TEST_DB_URL", "postgres://ada:enchantress@127.0.0.1:1/app")
        .run();
    outcome.assert_failed_with("TEST_DB_URL");
    outcome.assert_does_not_say("enchantress");
}

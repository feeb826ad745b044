//! Answers that depend on the request, and refusals.

use axum::http::StatusCode;
use db_test::{Client, Overrides, TestContext, db_test};

use crate::user::CurrentUser;

#[db_test]
async fn the_query_names_the_user(client: Client, overrides: Overrides) {
    overrides.set_with(|parts| match parts.uri.query() {
        Some(name) => Ok(CurrentUser(name.to_owned())),
        None => Err(StatusCode::FORBIDDEN),
    });
    client.get("/me?grace").await.assert_text("grace");
    client.get("/me").await.assert_status(StatusCode::FORBIDDEN);
}

#[db_test]
async fn the_database_names_the_user(cx: TestContext, client: Client) {
    let pool = cx.pool();
    cx.overrides().set_with_async(move |_| {
        let pool = pool.clone();
        async move {
            let role = sqlx::query_scalar("select 'user ' || 7").fetch_one(&pool);
            CurrentUser(role.await.expect("the database answers"))
        }
    });
    client.get("/me").await.assert_text("user 7");
}

#[db_test]
async fn everybody_is_refused(client: Client, overrides: Overrides) {
    overrides.reject::<CurrentUser>(|| StatusCode::PAYMENT_REQUIRED);
    client
        .get("/me")
        .await
        .assert_status(StatusCode::PAYMENT_REQUIRED);
}

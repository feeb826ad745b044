//! What goes into the state is set before the state is made.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::StatusCode;
use db_test::{BoxError, Client, TestContext, db_test};

use crate::clock::Clock;

#[db_test]
async fn a_link_of_long_ago(cx: TestContext) -> Result<(), BoxError> {
    cx.overrides()
        .set(Clock::by(|| UNIX_EPOCH + Duration::from_mins(1)));
    let client: Client = cx.get().await?;
    client
        .post("/links")
        .await
        .assert_status(StatusCode::CREATED);
    Ok(())
}

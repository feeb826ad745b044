//! An overridable extractor answers what a test chooses, request by request.

use axum::http::StatusCode;
use db_test::{Client, Overrides, TestContext, db_test};
use sqlx::PgPool;

use crate::app::Caller;

#[db_test]
async fn a_closure_sees_the_request(client: Client, overrides: Overrides) {
    overrides.set_with(|parts| Caller(parts.uri.query().unwrap_or("nobody").to_owned()));
    client.get("/caller?ada").await.assert_text("ada");
    client.get("/caller").await.assert_text("nobody");
}

#[db_test]
async fn a_closure_may_refuse(client: Client, overrides: Overrides) {
    overrides.set_with(|parts| match parts.uri.query() {
        Some(name) => Ok(Caller(name.to_owned())),
        None => Err(StatusCode::IM_A_TEAPOT),
    });
    client.get("/caller?ada").await.assert_text("ada");
    client
        .get("/caller")
        .await
        .assert_status(StatusCode::IM_A_TEAPOT);
}

#[db_test]
async fn an_async_closure_may_ask_the_database(cx: TestContext, client: Client) {
    let pool: PgPool = cx.pool();
    cx.overrides().set_with_async(move |_| {
        let pool = pool.clone();
        async move {
            let name = sqlx::query_scalar("select name from items limit 1");
            let name = name.fetch_one(&pool).await;
            name.map(Caller).map_err(|_| StatusCode::BAD_GATEWAY)
        }
    });
    client.get("/caller").await.assert_text("seeded");
}

#[db_test]
async fn a_rejection_may_depend_on_the_request(client: Client, overrides: Overrides) {
    overrides.reject_with::<Caller>(|parts| match parts.uri.query() {
        Some("late") => StatusCode::GONE,
        _ => StatusCode::FORBIDDEN,
    });
    client
        .get("/caller?late")
        .await
        .assert_status(StatusCode::GONE);
    client
        .get("/caller")
        .await
        .assert_status(StatusCode::FORBIDDEN);
}

#[db_test]
async fn a_value_replaces_a_rejection_and_the_other_way_round(
    client: Client,
    overrides: Overrides,
) {
    overrides.reject::<Caller>(|| StatusCode::GONE);
    client.get("/caller").await.assert_status(StatusCode::GONE);
    overrides.set(Caller("ada".to_owned()));
    client.get("/caller").await.assert_text("ada");
    overrides.reject::<Caller>(|| StatusCode::GONE);
    client.get("/caller").await.assert_status(StatusCode::GONE);
}

#[db_test]
async fn an_extension_does_not_answer_for_an_extractor(client: Client, overrides: Overrides) {
    overrides.extension(Caller("ada".to_owned()));
    client
        .get("/caller")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
    assert_eq!(overrides.get::<Caller>(), None);
}

#[db_test]
async fn an_extractor_that_calls_an_overridden_one_gets_its_answer(
    client: Client,
    overrides: Overrides,
) {
    client.get("/caller/if-any").await.assert_text("nobody");
    overrides.set(Caller("ada".to_owned()));
    client.get("/caller/if-any").await.assert_text("ada");
}

/// A value whose drop uses the map that it is in.
#[derive(Clone)]
struct Reentrant(Overrides);

impl Drop for Reentrant {
    fn drop(&mut self) {
        self.0.remove::<Caller>();
    }
}

#[db_test]
async fn a_value_may_use_the_map_while_it_is_dropped(overrides: Overrides) {
    for _ in 0..2 {
        overrides.optional().set(Reentrant(overrides.clone()));
    }
    assert!(overrides.remove::<Reentrant>());
}

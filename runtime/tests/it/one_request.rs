//! Overrides of one request win over all others, and end with it.

use std::panic::AssertUnwindSafe;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use db_test::{Client, OverrideRequest, Overrides, db_test};
use futures_util::FutureExt;
use tower::ServiceExt;

use crate::app::{Caller, Greeting};

fn caller(name: &str) -> Caller {
    Caller(name.to_owned())
}

fn ada(overrides: &Overrides) {
    overrides.set(caller("ada"));
}

#[db_test(overrides = ada)]
async fn one_request_of_a_client_is_overridden(client: Client) {
    let grace = client.get("/caller").overriding(|o| o.set(caller("grace")));
    grace.await.assert_text("grace");
    client.get("/caller").await.assert_text("ada");
}

#[db_test(overrides = ada)]
async fn one_request_to_a_router_is_overridden(router: Router) {
    let request = || Request::get("/caller").body(Body::empty());
    for (set, expected) in [("grace", "grace"), ("edsger", "edsger")] {
        let response = router
            .clone()
            .oneshot(request().expect("it is a request"))
            .overriding(|o| o.set(caller(set)))
            .await
            .expect("a router does not fail");
        let body = to_bytes(response.into_body(), 100).await.expect("it ends");
        assert_eq!(body, expected);
    }
    let response = router
        .oneshot(request().expect("it is a request"))
        .await
        .expect("a router does not fail");
    let body = to_bytes(response.into_body(), 100).await.expect("it ends");
    assert_eq!(body, "ada");
}

#[db_test]
async fn what_the_test_sets_meanwhile_does_not_win(client: Client, overrides: Overrides) {
    let grace = client.get("/caller").overriding(|o| o.set(caller("grace")));
    overrides.set(caller("edsger"));
    grace.await.assert_text("grace");
    client.get("/caller").await.assert_text("edsger");
}

#[db_test(overrides = ada)]
async fn one_request_can_do_without_what_the_test_set(client: Client) {
    let signed_out = client.get("/caller").overriding(|o| {
        assert!(!o.remove::<Caller>());
    });
    signed_out.await.assert_status(StatusCode::UNAUTHORIZED);
    client.get("/caller").await.assert_text("ada");
}

#[db_test(overrides = ada)]
async fn one_request_can_be_refused(client: Client) {
    let refused = client
        .get("/caller")
        .overriding(|o| o.reject::<Caller>(|| StatusCode::GONE));
    refused.await.assert_status(StatusCode::GONE);
    client.get("/caller").await.assert_text("ada");
}

#[db_test]
async fn an_extension_can_be_for_one_request(client: Client) {
    let greeted = client
        .get("/greeting")
        .overriding(|o| o.extension(Greeting("hello")));
    greeted.await.assert_text("hello");
    client.get("/greeting").await.assert_text("none");
}

#[db_test]
async fn requests_at_the_same_time_keep_theirs_apart(client: Client) {
    let [ada, grace] =
        ["ada", "grace"].map(|name| client.get("/caller").overriding(|o| o.set(caller(name))));
    let (ada, grace, nobody) = tokio::join!(ada, grace, client.get("/caller"));
    ada.assert_text("ada");
    grace.assert_text("grace");
    nobody.assert_status(StatusCode::UNAUTHORIZED);
}

#[db_test]
async fn a_request_on_another_task_takes_its_overrides_along(client: Client) {
    let request = client.get("/caller").overriding(|o| o.set(caller("ada")));
    let response = tokio::spawn(request).await.expect("it does not panic");
    response.assert_text("ada");
}

#[db_test]
async fn a_block_has_overrides_for_each_of_its_requests(client: Client) {
    let block = async {
        client.get("/caller").await.assert_text("ada");
        let inner = client.get("/caller").overriding(|o| o.set(caller("grace")));
        inner.await.assert_text("grace");
        client.get("/caller").await.assert_text("ada");
    };
    block.overriding(ada).await;
    client
        .get("/caller")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
}

#[db_test]
async fn the_last_of_two_for_the_same_request_wins(client: Client) {
    let request = client
        .get("/caller")
        .overriding(|o| o.optional().set(caller("ada")))
        .overriding(|o| o.set(caller("grace")));
    request.await.assert_text("grace");
}

#[db_test]
async fn a_request_given_up_leaves_nothing_behind(client: Client) {
    let given_up = client
        .get("/caller")
        .overriding(|o| o.optional().set(caller("ada")));
    drop(given_up);
    let panicking = async { panic!("as planned") }.overriding(ada_optionally);
    let panicked = AssertUnwindSafe(panicking).catch_unwind().await;
    assert!(panicked.is_err());
    client
        .get("/caller")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
}

fn ada_optionally(overrides: &Overrides) {
    overrides.optional().set(caller("ada"));
}

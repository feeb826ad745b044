//! Tests with overrides that nothing reads when they run as a [`child`].

use std::net::SocketAddr;

use axum::{Extension, Router, extract::ConnectInfo, routing::get};
use child::in_child;
use db_test::{Client, OverrideRequest, Overrides, TestContext, db_test};

use crate::app::{Caller, Greeting, Limit};

/// What an older version of the application had in the place of [`Caller`].
#[derive(Clone)]
struct Visitor;

fn ada() -> Caller {
    Caller("ada".to_owned())
}

fn renamed(overrides: &Overrides) {
    if in_child() {
        overrides.set(Visitor);
    }
}

#[db_test(overrides = renamed)]
async fn renamed_and_passing(client: Client) {
    client.get("/caller").add_header("x-caller", "eve").await;
}

#[db_test(overrides = renamed)]
async fn renamed_and_failing(client: Client) {
    client.get("/caller").add_header("x-caller", "eve").await;
    assert!(!in_child(), "failing on request");
}

#[db_test(overrides = renamed)]
#[should_panic = "panicking as expected"]
async fn renamed_and_panicking_as_expected(client: Client) {
    client.get("/caller").add_header("x-caller", "eve").await;
    panic!("panicking as expected");
}

#[db_test(overrides = renamed)]
async fn unused_without_a_client() {}

#[db_test(overrides = renamed)]
async fn unused_without_a_request(_client: Client) {}

#[db_test]
async fn after_the_state(client: Client, overrides: Overrides) {
    if in_child() {
        overrides.set(Limit(0));
    }
    client.get("/items").await;
}

#[db_test]
async fn after_an_argument(cx: TestContext) {
    assert_eq!(cx.overridden::<Limit>(), None);
    if in_child() {
        cx.overrides().set(Limit(0));
    }
}

#[db_test]
async fn after_the_requests(client: Client, overrides: Overrides) {
    client.get("/caller").await;
    if in_child() {
        overrides.set(ada());
    }
}

#[db_test]
async fn for_the_second_time(client: Client, overrides: Overrides) {
    overrides.set(ada());
    client.get("/caller").await.assert_text("ada");
    if in_child() {
        overrides.set(ada());
    }
    client.get("/greeting").await;
}

#[db_test]
async fn of_an_extractor(client: Client, overrides: Overrides) {
    if in_child() {
        overrides.set_with(|_| ada());
    }
    client.get("/greeting").await;
}

#[db_test]
async fn for_one_request(client: Client) {
    let request = client.get("/greeting");
    if in_child() {
        request.overriding(|o| o.set_with(|_| ada())).await;
    }
}

#[db_test]
async fn for_one_request_as_an_extension(client: Client) {
    let request = client.get("/greeting");
    if in_child() {
        let hello = request.overriding(|o| o.set(Greeting("hello")));
        hello.await.assert_text("hello");
    }
}

#[db_test]
async fn wrapped_in_an_extension(client: Client, overrides: Overrides) {
    if in_child() {
        overrides.set(Extension(Greeting("hello")));
    }
    client.get("/greeting").await.assert_text("none");
}

#[db_test]
async fn for_one_request_in_the_state(client: Client) {
    let request = client.get("/items");
    if in_child() {
        request.overriding(|o| o.set(Limit(0))).await;
    }
}

#[db_test]
async fn for_another_application() {
    if in_child() {
        let router = Router::new().route("/caller", get(|caller: Caller| async { caller.0 }));
        let client = Client::new(router);
        client.get("/caller").overriding(|o| o.set(ada())).await;
    }
}

fn named(overrides: &Overrides) {
    if in_child() {
        overrides.set(ada());
    }
}

#[db_test(overrides = named)]
async fn hidden_by_the_only_request(client: Client) {
    let request = client.get("/caller").overriding(|o| o.set(ada()));
    request.await.assert_text("ada");
}

fn without_need(overrides: &Overrides) {
    overrides.optional().set(Visitor);
    overrides.extension(Greeting("hello"));
    overrides.set(ada());
    overrides.set(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 80))));
}

#[db_test(overrides = without_need)]
async fn not_reported(client: Client, overrides: Overrides) {
    overrides.set(Caller("grace".to_owned()));
    client.get("/caller").await.assert_text("grace");
    client.get("/address").await.assert_text("192.0.2.1");
    overrides.set(ada());
}

//! Overrides: by session, attribute, test; as state and as extension; gone with the test.

use db_test::{Client, Overrides, TestContext, db_test};

use crate::app::{Greeting, Limit};

fn politely(overrides: &Overrides) {
    overrides.extension(Greeting("good day"));
    overrides.set(Limit(0));
}

#[db_test]
async fn without_an_override_the_application_is_as_it_is(client: Client) {
    client.get("/greeting").await.assert_text("none");
    client
        .get("/items")
        .await
        .assert_json(&["seeded"].map(String::from));
}

#[db_test(overrides = politely)]
async fn the_attribute_overrides_extension_and_state(client: Client) {
    client.get("/greeting").await.assert_text("good day");
    client.get("/items").await.assert_json::<[String; 0]>(&[]);
}

#[db_test(overrides = politely)]
async fn the_test_overrides_what_its_attribute_set(client: Client, overrides: Overrides) {
    overrides.extension(Greeting("hello"));
    client.get("/greeting").await.assert_text("hello");
    assert!(overrides.remove::<Greeting>());
    client.get("/greeting").await.assert_text("none");
}

#[db_test]
async fn a_layer_of_the_application_comes_after_an_extension(client: Client, overrides: Overrides) {
    overrides.extension(Greeting("hello"));
    client.get("/own-greeting").await.assert_text("own");
}

#[db_test]
async fn an_override_is_seen_by_its_test_alone(cx: TestContext) {
    assert_eq!(cx.overridden::<Greeting>(), None);
    assert_eq!(format!("{:?}", cx.overrides()), "[]");
}

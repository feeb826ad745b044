//! Replacing what handlers depend on. The session replaces the signed-in user and the mailer.

use std::{io, sync::Arc};

use axum::http::StatusCode;
use child::{Child, in_child};
use db_test::{Client, OverrideRequest, Overrides, db_test};
use demo_app::{
    CurrentUser, Error,
    mailer::{Mail, MailError, Mailer, Sending},
    users::User,
};
use serde_json::json;

use crate::{ada::Ada, test_user};

#[db_test]
async fn with_the_override_no_token_is_needed(client: Client) {
    assert_eq!(signed_in(&client).await, "Test");
}

#[db_test(overrides = crate::signed_out)]
async fn without_the_override_a_token_is_needed(client: Client) {
    client
        .get("/users/me")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
}

#[db_test]
async fn an_override_counts_from_the_next_request_on(ada: Ada, overrides: Overrides) {
    assert_eq!(signed_in(&ada.client).await, "Ada");
    overrides.set(test_user());
    assert_eq!(signed_in(&ada.client).await, "Test");
    overrides.remove::<CurrentUser>();
    assert_eq!(signed_in(&ada.client).await, "Ada");
}

#[db_test]
async fn an_extractor_can_be_made_to_refuse(client: Client, overrides: Overrides) {
    overrides.reject::<CurrentUser>(|| Error::NotFound("session"));
    client
        .get("/users/me")
        .await
        .assert_status(StatusCode::NOT_FOUND);
}

#[db_test]
async fn a_closure_chooses_by_the_request(client: Client, overrides: Overrides) {
    overrides.set_with(|parts| match parts.headers.get("x-test-user") {
        Some(_) => Ok(user_called("Grace")),
        None => Err(Error::Unauthorized),
    });
    let response = client
        .get("/users/me")
        .add_header("x-test-user", "yes")
        .await;
    assert_eq!(response.json::<User>().name.to_string(), "Grace");
    client
        .get("/users/me")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
}

#[db_test]
async fn one_request_is_somebody_elses(client: Client) {
    let response = client
        .get("/users/me")
        .overriding(|o| o.set(user_called("Grace")))
        .await;
    assert_eq!(response.json::<User>().name.to_string(), "Grace");
    assert_eq!(signed_in(&client).await, "Test");
}

#[test]
fn an_override_that_nothing_asks_for_is_reported() {
    let outcome = Child::exactly("overrides", &["with_a_type_of_an_older_version"]).run();
    outcome.assert_passed();
    let said = outcome.said("db-test");
    assert!(said[0].contains("Visitor` was set, but neither cx.overridden_or nor"));
}

/// What the application had in the place of [`CurrentUser`] once.
#[derive(Clone)]
struct Visitor;

#[db_test]
async fn with_a_type_of_an_older_version(client: Client, overrides: Overrides) {
    if in_child() {
        overrides.set(Visitor);
    }
    client.get("/users/me").await;
}

/// A mailer whose server is down.
struct Down;

impl Mailer for Down {
    fn send(&self, _: Mail) -> Sending<'_> {
        let cause = io::ErrorKind::ConnectionRefused.into();
        Box::pin(async {
            Err(MailError {
                address: "nowhere".to_owned(),
                cause,
            })
        })
    }
}

fn mail_is_down(overrides: &Overrides) {
    overrides.set::<Arc<dyn Mailer>>(Arc::new(Down));
}

#[db_test(overrides = mail_is_down)]
async fn part_of_the_state_is_replaced_for_one_test(client: Client) {
    let response = client
        .post("/tokens")
        .json(&json!({ "email": "test@example.com" }))
        .await;
    response.assert_status(StatusCode::BAD_GATEWAY);
}

/// Two tests leave an override behind. Whichever is second would find it.
mod ends_with_its_test {
    use super::{Client, Overrides, db_test, signed_in, user_called};

    #[db_test]
    async fn in_one_test(client: Client, overrides: Overrides) {
        leave_an_override(&client, &overrides).await;
    }

    #[db_test]
    async fn in_another_test(client: Client, overrides: Overrides) {
        leave_an_override(&client, &overrides).await;
    }

    async fn leave_an_override(client: &Client, overrides: &Overrides) {
        assert_eq!(signed_in(client).await, "Test");
        overrides.set(user_called("Left"));
        assert_eq!(signed_in(client).await, "Left");
    }
}

/// The user of the seed under another name.
fn user_called(name: &str) -> CurrentUser {
    let mut user = test_user();
    user.0.name = name.to_owned().try_into().expect("a name");
    user
}

/// The name of the user whom a handler takes the request to be from.
async fn signed_in(client: &Client) -> String {
    client
        .get("/users/me")
        .await
        .json::<User>()
        .name
        .to_string()
}

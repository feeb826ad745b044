//! Replacing what handlers depend on. The session replaces the signed-in user and the mailer.

use std::{io, sync::Arc};

use axum::http::StatusCode;
use db_test::{Client, Overrides, db_test};
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
    use super::{Client, Overrides, db_test, signed_in, test_user};

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
        let mut user = test_user();
        user.0.name = "Left".to_owned().try_into().expect("a name");
        overrides.set(user);
        assert_eq!(signed_in(client).await, "Left");
    }
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

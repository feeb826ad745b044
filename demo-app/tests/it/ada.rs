//! A user who has signed in the way users do.

use db_test::{BoxError, Client, FromTest, TestContext};
use serde_json::json;

use crate::{outbox::Outbox, signed_out};

/// Ada, and a client whose requests carry her token.
pub(crate) struct Ada {
    pub(crate) client: Client,
    pub(crate) token: String,
}

/// What many tests need is an argument of its own, made from other arguments.
impl FromTest for Ada {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        signed_out(cx.overrides());
        let mut client: Client = cx.get().await?;
        let ada = json!({ "email": "ada@example.com", "name": "Ada" });
        client.post("/users").json(&ada).expect_success().await;
        client.post("/tokens").json(&ada).expect_success().await;
        let token = cx.get::<Outbox>().await?.only_text();
        client.add_header("authorization", format!("Bearer {token}"));
        Ok(Self { client, token })
    }
}

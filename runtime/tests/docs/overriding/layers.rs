//! Four layers, the later one wins.

use db_test::{Client, OverrideRequest, Overrides, db_test};

use crate::user::CurrentUser;

#[db_test]
async fn the_session_comes_first(client: Client) {
    client.get("/me").await.assert_text("ada");
}

fn as_grace(overrides: &Overrides) {
    overrides.set(CurrentUser("grace".to_owned()));
}

#[db_test(overrides = as_grace)]
async fn then_attribute_test_and_request(client: Client, overrides: Overrides) {
    client.get("/me").await.assert_text("grace");

    overrides.set(CurrentUser("edsger".to_owned()));
    client.get("/me").await.assert_text("edsger");

    let barbara = CurrentUser("barbara".to_owned());
    let response = client.get("/me").overriding(|o| o.set(barbara)).await;
    response.assert_text("barbara");

    client.get("/me").await.assert_text("edsger");
}

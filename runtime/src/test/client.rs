//! The HTTP client of a test, which calls the application in process.

/// The HTTP client of a test: axum-test's [`TestServer`](axum_test::TestServer) around the
/// session's application, in process.
///
/// Take it as an argument of a test, or as `mut client: Client` to change its defaults. It opens no
/// port. A request runs on the test's own thread, so libtest captures what a handler prints.
/// Cookies set by a response are sent with the next request.
///
/// ```no_run
/// use db_test::{Client, db_test};
/// use serde_json::json;
///
/// #[db_test]
/// async fn creates_a_user(client: Client) {
///     let response = client.post("/users").json(&json!({ "name": "ada" })).await;
///     response.assert_status_success();
/// }
/// # fn main() {}
/// ```
pub type Client = axum_test::TestServer;

/// The client of one test around its router.
pub(crate) fn client(router: axum::Router) -> Client {
    axum_test::TestServer::builder()
        .mock_transport()
        .save_cookies()
        .build(router)
}

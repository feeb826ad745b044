//! The HTTP client that talks to the application in process.

/// The client a test drives its application with: axum-test's [`TestServer`](axum_test::TestServer)
/// over an in-process transport.
///
/// No port is opened. A request runs on the test's own thread, so that what a handler prints is
/// captured for the test. Cookies set by one response are sent with the next request.
///
/// Take it as an argument of a test; `mut client: Client` to change its defaults.
pub type Client = axum_test::TestServer;

/// Builds the client of one test around its router.
pub(crate) fn client(router: axum::Router) -> Client {
    axum_test::TestServer::builder()
        .mock_transport()
        .save_cookies()
        .build(router)
}

//! Crates that forbid unsafe code cannot register a session before `main`, so they name it.

#![forbid(unsafe_code)]

use db_test::{Client, Session, db_test};

fn session() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .app(|_| axum::Router::new().route("/", axum::routing::get(|| async { "named" })))
}

#[db_test(session = session)]
async fn a_named_session_is_used(client: Client) {
    client.get("/").await.assert_text("named");
}

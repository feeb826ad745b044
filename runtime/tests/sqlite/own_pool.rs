//! An application that opens its own connections. The tests misbehave in a [`child`].

use axum::{Router, routing::get};
use child::in_child;
use db_test::{Client, Queries, Session, TestContext, db_test};
use sqlx::SqlitePool;
use tokio::sync::Barrier;

use crate::{app, names};

fn session() -> Session {
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .app(|cx| app(own_pool(&cx)))
}

/// Its handlers send their queries when two requests have come.
fn together() -> Session {
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .app(|cx| {
            let pool = own_pool(&cx);
            let both = std::sync::Arc::new(Barrier::new(2));
            let list = async move || {
                both.wait().await;
                let names = names(&pool).await.join(", ");
                both.wait().await;
                names
            };
            Router::new().route("/users", get(list))
        })
}

fn own_pool(cx: &TestContext) -> SqlitePool {
    let options = cx.sqlite_connect_options().expect("it is a file");
    SqlitePool::connect_lazy_with(options)
}

#[db_test(session = session, max_queries_per_request = 0)]
async fn requesting_once(client: Client) {
    if in_child() {
        client.get("/users").await.assert_status_ok();
    }
}

#[db_test(session = together, max_queries_per_request = 1)]
async fn requesting_at_once(client: Client) {
    if in_child() {
        request_twice(&client).await;
    }
}

#[db_test(session = together, max_queries_per_request = 2)]
async fn a_limit_is_kept_if_all_unclear_queries_are_within_it(client: Client, queries: Queries) {
    queries.expect(2, request_twice(&client)).await;
}

async fn request_twice(client: &Client) {
    let request = || client.get("/users").into_future();
    let (first, second) = futures_util::future::join(request(), request()).await;
    first.assert_status_ok();
    second.assert_status_ok();
}

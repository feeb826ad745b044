//! Server-sent events.

use std::convert::Infallible;

use axum::{
    Router,
    extract::State,
    response::{Sse, sse::Event},
    routing::get,
};
use db_test::{Client, Session, db_test};
use futures_util::{Stream, stream};
use sqlx::PgPool;

/// The application: one event for each row, and the end.
fn app(pool: PgPool) -> Router {
    Router::new().route("/events", get(events)).with_state(pool)
}

async fn events(State(pool): State<PgPool>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let names: Vec<String> = sqlx::query_scalar("select name from news order by name")
        .fetch_all(&pool)
        .await
        .unwrap_or_default();
    let events = names
        .into_iter()
        .map(|name| Ok(Event::default().data(name)));
    Sse::new(stream::iter(events))
}

fn news() -> Session {
    Session::postgres()
        .seed_sql("create table news (name text)")
        .app(|cx| app(cx.pool()))
}

/// A stream that ends is a text like any other. One that does not end is read from a `Router`,
/// frame by frame.
#[db_test(session = news)]
async fn each_row_is_an_event(client: Client, pool: PgPool) -> sqlx::Result<()> {
    let insert = sqlx::query("insert into news values ('first'), ('second')");
    insert.execute(&pool).await?;
    let response = client.get("/events").await;
    response.assert_header("content-type", "text/event-stream");
    response.assert_text("data: first\n\ndata: second\n\n");
    Ok(())
}

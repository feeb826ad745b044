//! Server-sent events without an end.

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, StatusCode},
    response::{Sse, sse::Event},
    routing::get,
};
use db_test::{BoxError, Session, db_test};
use futures_util::{Stream, StreamExt, TryStreamExt};
use sqlx::{PgPool, postgres::PgListener};
use tower::ServiceExt;

/// The application: an event for each notification, for as long as the client stays.
fn app(pool: PgPool) -> Router {
    Router::new().route("/events", get(events)).with_state(pool)
}

type Events = Sse<Box<dyn Stream<Item = sqlx::Result<Event>> + Send + Unpin>>;

async fn events(State(pool): State<PgPool>) -> Result<Events, StatusCode> {
    let notifications = listen(&pool).await;
    let notifications = notifications.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let events = notifications.into_stream();
    let events = events.map_ok(|notification| Event::default().data(notification.payload()));
    Ok(Sse::new(Box::new(events)))
}

async fn listen(pool: &PgPool) -> sqlx::Result<PgListener> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen("news").await?;
    Ok(listener)
}

fn news() -> Session {
    Session::postgres().app(|cx| app(cx.pool()))
}

/// The response is there before its body ends, so the body is read as it comes. Dropping it is what
/// a client does that leaves.
#[db_test(session = news)]
async fn each_notification_is_an_event(router: Router, pool: PgPool) -> Result<(), BoxError> {
    let request = Request::get("/events").body(Body::empty())?;
    let mut body = router
        .oneshot(request)
        .await?
        .into_body()
        .into_data_stream();
    for news in ["first", "second"] {
        let notify = sqlx::query("select pg_notify('news', $1)");
        notify.bind(news).execute(&pool).await?;
        let event = body.next().await.ok_or("the stream has ended")??;
        assert_eq!(event, format!("data: {news}\n\n"));
    }
    Ok(())
}

//! Time as a part of the state.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use db_test::{BoxError, Client, FromTest, TestContext, db_test};
use sqlx::PgPool;

use crate::AppState;

/// Where the application learns what time it is.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    pub(crate) fn system() -> Self {
        Self::by(SystemTime::now)
    }

    pub(crate) fn by(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Seconds since 1970, for `to_timestamp($1)`: a query has no clock of its own.
    pub(crate) fn timestamp(&self) -> f64 {
        let since = (self.0)().duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64()
    }
}

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/links", post(make_link))
        .route("/links/{id}", get(follow_link))
}

async fn make_link(State(pool): State<PgPool>, State(clock): State<Clock>) -> (StatusCode, String) {
    let insert =
        "insert into links (expires) values (to_timestamp($1) + interval '1 hour') returning id";
    let link = sqlx::query_scalar(insert).bind(clock.timestamp());
    let id: i64 = link.fetch_one(&pool).await.expect("links are made");
    (StatusCode::CREATED, id.to_string())
}

async fn follow_link(
    State(pool): State<PgPool>,
    State(clock): State<Clock>,
    Path(id): Path<i64>,
) -> StatusCode {
    let select = "select expires > to_timestamp($1) from links where id = $2";
    let valid = sqlx::query_scalar(select).bind(clock.timestamp()).bind(id);
    match valid.fetch_one(&pool).await {
        Ok(true) => StatusCode::OK,
        _ => StatusCode::GONE,
    }
}

/// Time that passes only when the test says so.
struct Time(Arc<AtomicU64>);

impl Time {
    fn pass(&self, duration: Duration) {
        self.0.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }
}

impl FromTest for Time {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let seconds = Arc::new(AtomicU64::new(1_700_000_000));
        let time = Self(Arc::clone(&seconds));
        let now = move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::Relaxed));
        cx.overrides().set(Clock::by(now));
        Ok(time)
    }
}

#[db_test]
async fn a_link_is_good_for_an_hour(time: Time, client: Client) {
    let link = format!("/links/{}", client.post("/links").await.text());
    time.pass(Duration::from_mins(59));
    client.get(&link).await.assert_status(StatusCode::OK);
    time.pass(Duration::from_mins(1));
    client.get(&link).await.assert_status(StatusCode::GONE);
}

//! An application with two databases.

use axum::{Router, extract::State, http::StatusCode, routing::post};
use db_test::{BoxError, Client, FromTest, Session, TestContext, db_test};
use sqlx::PgPool;

/// The application: an order in its own database, and a row for the analysts in theirs.
fn app(shop: PgPool, analytics: PgPool) -> Router {
    let pools = (shop, analytics);
    Router::new()
        .route("/orders", post(order))
        .with_state(pools)
}

async fn order(State((shop, analytics)): State<(PgPool, PgPool)>) -> StatusCode {
    let ordered = sqlx::query("insert into orders default values");
    let counted = sqlx::query("insert into events values ('ordered')");
    match (
        ordered.execute(&shop).await,
        counted.execute(&analytics).await,
    ) {
        (Ok(_), Ok(_)) => StatusCode::CREATED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Each database has migrations and seeds of its own. Both are rolled back with the test.
fn shop() -> Session {
    Session::postgres()
        .seed_sql("create table orders (id bigint generated always as identity)")
        .database("analytics", |database| {
            database.seed_sql("create table events (name text not null)")
        })
        .app(|cx| app(cx.pool(), cx.pool_of("analytics")))
}

/// The second pool, as an argument of tests.
struct Analytics(PgPool);

impl FromTest for Analytics {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(Self(cx.pool_of("analytics")))
    }
}

#[db_test(session = shop)]
async fn an_order_is_counted(client: Client, analytics: Analytics) -> sqlx::Result<()> {
    let response = client.post("/orders").await;
    response.assert_status(StatusCode::CREATED);
    let names: Vec<String> = sqlx::query_scalar("select name from events")
        .fetch_all(&analytics.0)
        .await?;
    assert_eq!(names, ["ordered"]);
    Ok(())
}

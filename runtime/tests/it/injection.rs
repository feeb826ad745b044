//! A test is given what the types of its arguments ask for.

use axum::{Router, body::Body, http::Request};
use db_test::{BoxError, Client, FromTest, Overrides, TestContext, db_test};
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use tower::ServiceExt;

use crate::app::try_add;

struct Shop {
    client: Client,
    stock: usize,
}

impl FromTest for Shop {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let pool: PgPool = cx.get().await?;
        for name in ["apple", "pear"] {
            try_add(&pool, name).await?;
        }
        Ok(Self {
            client: cx.get().await?,
            stock: 3,
        })
    }
}

#[db_test]
async fn a_type_of_the_user_is_made_from_others(shop: Shop) {
    let items: Vec<String> = shop.client.get("/items").await.json();
    assert_eq!(items.len(), shop.stock);
}

#[db_test]
async fn a_router_can_be_called_without_a_client(router: Router) {
    let request = Request::get("/items")
        .body(Body::empty())
        .expect("it is a request");
    let response = router
        .oneshot(request)
        .await
        .expect("a router does not fail");
    assert!(response.status().is_success());
}

#[db_test]
async fn a_connection_can_be_taken(mut connection: PoolConnection<Postgres>) {
    let one: i32 = sqlx::query_scalar("select 1")
        .fetch_one(&mut *connection)
        .await
        .expect("it answers");
    assert_eq!(one, 1);
}

#[db_test]
async fn a_client_does_not_wait_for_the_connection_beside_it(
    mut connection: PoolConnection<Postgres>,
    client: Client,
) {
    sqlx::query("insert into items (name) values ('by hand')")
        .execute(&mut *connection)
        .await
        .expect("it is added");
    let items: Vec<String> = client.get("/items").await.json();
    assert_eq!(items, ["seeded", "by hand"]);
}

#[db_test]
async fn all_arguments_belong_to_the_same_test(
    cx: TestContext,
    overrides: Overrides,
    pool: PgPool,
    client: Client,
) {
    overrides.set(7_u8);
    assert_eq!(cx.overridden::<u8>(), Some(7));
    try_add(&pool, "through the pool")
        .await
        .expect("it is added");
    client
        .get("/items")
        .await
        .assert_json(&["seeded", "through the pool"].map(String::from));
}

#[db_test]
async fn a_test_knows_its_name(cx: TestContext) {
    assert_eq!(cx.name(), "it::injection::a_test_knows_its_name");
}

#[db_test]
async fn a_body_need_not_be_send() {
    let local = std::rc::Rc::new(1);
    tokio::task::yield_now().await;
    assert_eq!(*local, 1);
}

#[db_test]
async fn a_result_may_be_returned(pool: PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("select 1").execute(&pool).await?;
    Ok(())
}

#[db_test]
#[expect(clippy::too_many_arguments, reason = "as many as there may be")]
async fn a_test_takes_up_to_twelve_arguments(
    first: TestContext,
    _: TestContext,
    _: TestContext,
    _: TestContext,
    _: TestContext,
    _: TestContext,
    _: TestContext,
    _: TestContext,
    _: TestContext,
    _: TestContext,
    pool: PgPool,
    last: TestContext,
) {
    try_add(&pool, "written").await.expect("it is added");
    assert_eq!(first.name(), last.name());
}

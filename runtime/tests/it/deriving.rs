//! `#[derive(FromTest)]`: structs made of what a test could take.

use db_test::{BoxError, Client, FromTest, TestContext, db_test};
use sqlx::PgPool;

use crate::{app::names, app::try_add};

/// Adds one item.
struct Apple {
    name: &'static str,
}

impl FromTest for Apple {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let name = "apple";
        try_add(&cx.pool(), name).await?;
        Ok(Self { name })
    }
}

#[derive(FromTest)]
struct Shop {
    apple: Apple,
    client: Client,
    stock: Stock,
}

#[derive(FromTest)]
struct Stock(PgPool, Marker);

macro_rules! made_of {
    ($name:ident, $($field:ident: $ty:ty),*) => {
        #[derive(FromTest)]
        struct $name { $($field: $ty),* }
    };
}

made_of!(Larder, apple: Apple, pool: PgPool);

#[db_test]
async fn a_struct_that_a_macro_writes_is_made(larder: Larder) {
    assert_eq!(larder.apple.name, "apple");
    assert_eq!(names(&larder.pool).await, ["seeded", "apple"]);
}

#[derive(FromTest)]
struct Marker;

#[db_test]
async fn fields_are_made_in_order_and_of_the_same_test(shop: Shop) {
    let Shop {
        apple,
        client,
        stock: Stock(pool, Marker),
    } = shop;
    assert_eq!(names(&pool).await, ["seeded", apple.name]);
    client
        .get("/items")
        .await
        .assert_json(&["seeded", apple.name].map(String::from));
}

#[test]
fn a_field_that_cannot_be_made_is_named() {
    let failed = child::run("on_request::arguments::given_a_field", &[]);
    let part = "its field `1`: its field `inner`: no argument on request";
    failed.assert_says(part);
}

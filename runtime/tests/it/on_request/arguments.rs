//! Tests whose fixtures or arguments cannot be made in a child: the fixtures because the child has
//! another seed or other migrations.

use child::in_child;
use db_test::{BoxError, FromTest, TestContext, db_test};
use sqlx::PgPool;

struct Absent;

impl FromTest for Absent {
    async fn from_test(_: &TestContext) -> Result<Self, BoxError> {
        if in_child() {
            return Err("no argument on request".into());
        }
        Ok(Self)
    }
}

#[derive(FromTest)]
struct Inner {
    inner: Absent,
}

#[derive(FromTest)]
struct Outer(PgPool, Inner);

#[db_test]
async fn given_a_field(outer: Outer) {
    let Outer(pool, Inner { inner: Absent }) = outer;
    drop(pool);
}

#[db_test(fixtures(path = "../fixtures", scripts("apple", "twice")))]
async fn fixture_that_violates() {}

#[db_test(fixtures(path = "../fixtures", scripts("replica")))]
async fn fixture_that_needs_a_superuser() {}

#[db_test(fixtures(path = "../fixtures", scripts("apple", "parts")))]
async fn fixture_without_its_table() {}

//! Tests that register three teardowns, of which the second panics when it is asked to, and then
//! end in each way.

use db_test::{BoxError, FromTest, TestContext, db_test};
use sqlx::PgPool;

use crate::child::asked_to_fail;

/// Registers three teardowns.
struct Three;

impl FromTest for Three {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.on_end(async { tell("first") });
        cx.on_end(async { assert!(!asked_to_fail(), "the second teardown panics") });
        let pool: PgPool = cx.get().await?;
        cx.on_end(async move {
            tell("third");
            pool.acquire().await.map(drop)
        });
        Ok(Self)
    }
}

#[expect(clippy::print_stderr, reason = "the parent looks for it")]
fn tell(text: &str) {
    eprintln!("teardown: {text}");
}

struct Absent;

impl FromTest for Absent {
    async fn from_test(_: &TestContext) -> Result<Self, BoxError> {
        match asked_to_fail() {
            true => Err("no argument as asked".into()),
            false => Ok(Self),
        }
    }
}

#[db_test]
async fn after_passing(_: Three) {}

#[db_test]
async fn after_erring(_: Three) -> Result<(), String> {
    match asked_to_fail() {
        true => Err("erring as asked".to_owned()),
        false => Ok(()),
    }
}

#[db_test]
async fn after_panicking(_: Three) {
    assert!(!asked_to_fail(), "panicking as asked");
}

#[db_test(timeout = "200ms")]
async fn after_slow(_: Three) {
    if asked_to_fail() {
        std::future::pending::<()>().await;
    }
}

#[db_test]
async fn after_without_argument(_: Three, _: Absent) {}

#[db_test]
async fn badly(cx: TestContext) {
    if asked_to_fail() {
        cx.on_end(async { Err::<(), _>("the bucket is gone") });
    }
}

#[db_test]
#[should_panic = "panicking as asked"]
async fn after_an_expected_panic(cx: TestContext) {
    if asked_to_fail() {
        cx.on_end(async { Err::<(), _>("the bucket is gone") });
    }
    panic!("panicking as asked");
}

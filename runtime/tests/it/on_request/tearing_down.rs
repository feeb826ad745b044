//! Tests that register three teardowns, of which the second panics on demand, and then
//! end in each way.

use child::in_child;
use db_test::{BoxError, FromTest, TestContext, db_test};
use sqlx::PgPool;

/// Registers three teardowns.
struct Three;

impl FromTest for Three {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.on_end(async { tell("first") });
        cx.on_end(async { assert!(!in_child(), "the second teardown panics") });
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
        if in_child() {
            return Err("no argument on request".into());
        }
        Ok(Self)
    }
}

#[db_test]
async fn after_passing(_: Three) {}

#[db_test]
async fn after_erring(_: Three) -> Result<(), String> {
    if in_child() {
        return Err("erring on request".to_owned());
    }
    Ok(())
}

#[db_test]
async fn after_panicking(_: Three) {
    assert!(!in_child(), "panicking on request");
}

#[db_test(timeout = "200ms")]
async fn after_slow(_: Three) {
    if in_child() {
        std::future::pending::<()>().await;
    }
}

#[db_test]
async fn after_without_argument(_: Three, _: Absent) {}

#[db_test]
async fn badly(cx: TestContext) {
    if in_child() {
        cx.on_end(async { Err::<(), _>("the bucket is gone") });
    }
}

#[db_test]
#[should_panic = "panicking on request"]
async fn after_an_expected_panic(cx: TestContext) {
    if in_child() {
        cx.on_end(async { Err::<(), _>("the bucket is gone") });
    }
    panic!("panicking on request");
}

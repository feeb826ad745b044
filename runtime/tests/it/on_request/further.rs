//! Tests with several databases that fail.

use child::in_child;
use db_test::{TestContext, db_test};

use crate::{
    app::try_add,
    further::{broken, session, visit},
};

#[db_test(session = session)]
async fn failing(cx: TestContext) {
    if in_child() {
        try_add(&cx.pool(), "first").await.expect("it is added");
        let visited = visit(&cx.pool_of("analytics"), "first").await;
        assert!(visited.is_err(), "failing on request");
    }
}

#[db_test(session = broken)]
async fn broken_pool(cx: TestContext) {
    if in_child() {
        let visited = visit(&cx.pool_of("analytics"), "first").await;
        visited.expect("it is there");
    }
}

#[db_test(session = broken, isolation = "database")]
async fn broken_own_database(cx: TestContext) {
    if in_child() {
        cx.pool_of("analytics");
    }
}

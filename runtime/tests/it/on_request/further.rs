//! Tests with several databases that fail.

use db_test::{TestContext, db_test};

use crate::{
    app::try_add,
    child::asked_to_fail,
    further::{broken, session, visit},
};

#[db_test(session = session)]
async fn failing(cx: TestContext) {
    if asked_to_fail() {
        try_add(&cx.pool(), "first").await.expect("it is added");
        let visited = visit(&cx.pool_of("analytics"), "first").await;
        assert!(visited.is_err(), "failing as asked");
    }
}

#[db_test(session = broken)]
async fn broken_pool(cx: TestContext) {
    if asked_to_fail() {
        let visited = visit(&cx.pool_of("analytics"), "first").await;
        visited.expect("it is there");
    }
}

#[db_test(session = broken, isolation = "database")]
async fn broken_own_database(cx: TestContext) {
    if asked_to_fail() {
        cx.pool_of("analytics");
    }
}

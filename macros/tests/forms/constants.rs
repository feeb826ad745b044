//! Constants where a number or a time stands in an option.

use std::time::Duration;

use db_test_macros::db_test;

use super::macro_support::TestContext;

const QUERIES: usize = 7;
const PATIENCE: Duration = Duration::from_secs(3);

mod limits {
    pub(super) const fn of(requests: usize) -> usize {
        requests * 2
    }
}

#[db_test(max_queries = QUERIES, max_queries_per_request = limits::of(QUERIES) + 1, timeout = PATIENCE)]
async fn names_and_expressions(cx: TestContext) {
    assert_eq!(cx.test.max_queries, Some(7));
    assert_eq!(cx.test.max_queries_per_request, Some(15));
    assert_eq!(cx.test.timeout, Some(PATIENCE));
}

#[db_test(timeout = Duration::from_millis(20))]
async fn calls(cx: TestContext) {
    assert_eq!(cx.test.timeout, Some(Duration::from_millis(20)));
}

#[db_test(max_queries = QUERIES)]
async fn arguments(cx: TestContext) {
    assert_eq!(cx.test.max_queries, Some(QUERIES));
}

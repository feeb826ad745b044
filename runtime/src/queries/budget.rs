//! The limits that a test's attribute sets.

use super::{Query, numbered};
use crate::{
    macro_support::Test,
    recording::{Caller, Log},
};

/// What exceeds a limit of the test, with the statements.
pub(crate) fn exceeded(test: &Test, log: &Log) -> Option<String> {
    let of_test = test.max_queries.and_then(|limit| {
        let all = log.statements.iter().filter(|s| s.is_counted());
        over(
            limit,
            &all.cloned().map(Query).collect::<Vec<_>>(),
            "the test",
        )
    });
    of_test.or_else(|| {
        let limit = test.max_queries_per_request?;
        let mut each = log.exchanges.iter().enumerate();
        each.find_map(|(number, exchange)| {
            let handler = log.asked_by(Caller::Exchange(number));
            let tasks = log.asked_by(Caller::Task(Some(number)));
            let caused = handler.chain(tasks).filter(|s| s.is_counted());
            let who = format!("{} {}", exchange.method, exchange.target);
            over(limit, &caused.cloned().map(Query).collect::<Vec<_>>(), &who)
        })
    })
}

fn over(limit: usize, queries: &[Query], who: &str) -> Option<String> {
    let count = queries.len();
    (count > limit).then(|| {
        let list = numbered(queries);
        format!("{who} sent {count} queries, but the limit is {limit}:\n{list}")
    })
}

//! The query limits of a test's attribute.

use super::{Query, numbered};
use crate::observe::recording::{Caller, Log, Statement};

/// How many queries a test may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) of_test: Option<usize>,
    pub(crate) of_request: Option<usize>,
}

impl Limits {
    pub(crate) const NONE: Self = Self {
        of_test: None,
        of_request: None,
    };
}

/// A message about the first exceeded limit, with the statements.
pub(crate) fn exceeded(limits: Limits, log: &Log) -> Option<String> {
    let of_test = limits
        .of_test
        .filter(|limit| log.queries > *limit)
        .map(|limit| {
            let listed: Vec<_> = log.queries_from(0).cloned().map(Query).collect();
            over(limit, log.queries, &listed, "the test")
        });
    of_test.or_else(|| {
        let limit = limits.of_request?;
        exceeded_by_a_request(limit, log).or_else(|| perhaps_exceeded(limit, log))
    })
}

/// Says that a limit had nothing to count: it is kept only because the application's statements are
/// not those of the test.
pub(crate) fn uncounted(limits: Limits, log: &Log) -> Option<&'static str> {
    let is_set = |limit: Option<usize>| limit.is_some_and(|limit| limit > 0);
    if is_set(limits.of_test) && log.queries == 0 {
        return Some(
            "`max_queries` has counted nothing: the test sent no statement to its database",
        );
    }
    let by_requests: u32 = log.queries_of_exchanges.iter().sum();
    (is_set(limits.of_request) && by_requests == 0).then_some(
        "`max_queries_per_request` has counted nothing: no request sent a statement to the test's database",
    )
}

fn exceeded_by_a_request(limit: usize, log: &Log) -> Option<String> {
    let mut each = log.queries_of_exchanges.iter().enumerate();
    let (number, count) = each.find(|(_, count)| **count as usize > limit)?;
    let caused = |query: &&Statement| query.caller.exchange() == Some(number);
    let listed = log.queries_from(0).filter(caused).cloned().map(Query);
    let listed: Vec<_> = listed.collect();
    Some(over(limit, *count as usize, &listed, &title(number, log)))
}

/// A request that may have exceeded the limit: a limit that cannot be checked is not taken for
/// kept.
fn perhaps_exceeded(limit: usize, log: &Log) -> Option<String> {
    let mut each = log
        .queries_of_exchanges
        .iter()
        .zip(&log.unclear_of_exchanges);
    let number = each.position(|(count, unclear)| (count + unclear) as usize > limit)?;
    let unclear = log.unclear_of_exchanges[number];
    let who = title(number, log);
    let listed = log.queries_from(0);
    let listed = listed.filter(|query| query.caller == Caller::Unclear);
    let listed: Vec<_> = listed.cloned().map(Query).collect();
    let list = numbered(&listed, listed.len());
    Some(format!(
        "cannot tell whether {who} kept its limit of {limit}: {unclear} queries were sent while several requests ran,\n\
         on connections that the application opened itself\n\
         send the requests one after the other, or give the application the test's pool:\n{list}"
    ))
}

fn title(number: usize, log: &Log) -> String {
    match log.exchanges.get(number) {
        Some(exchange) => format!("{} {}", exchange.method, exchange.target),
        None => format!("request {} of the test", number + 1),
    }
}

fn over(limit: usize, count: usize, listed: &[Query], who: &str) -> String {
    let list = numbered(listed, count);
    format!("{who} sent {count} queries, but the limit is {limit}:\n{list}")
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{self, AssertUnwindSafe},
        sync::Arc,
    };

    use futures_util::FutureExt;

    use super::{Limits, exceeded};
    use crate::{
        Queries,
        observe::recording::{Caller, Recording, Seen, Statement},
    };

    fn of_test(limit: usize) -> Limits {
        Limits {
            of_test: Some(limit),
            ..Limits::NONE
        }
    }

    fn of_request(limit: usize) -> Limits {
        Limits {
            of_request: Some(limit),
            ..Limits::NONE
        }
    }

    /// More than is remembered.
    const MANY: usize = 10_050;

    fn send(recording: &Recording, count: usize, caller: Caller) {
        let sql: Arc<str> = "select 1".into();
        for _ in 0..count {
            recording.add_by(caller, Statement::new(Arc::clone(&sql)));
        }
    }

    #[test]
    fn statements_that_are_not_remembered_count_for_the_test() {
        let recording = Recording::new("it::a_test");
        send(&recording, MANY, Caller::Test);
        let message = exceeded(of_test(10_049), &recording.log()).expect("it is one more");
        assert!(
            message.starts_with("the test sent 10050 queries, but the limit is 10049:"),
            "{message}"
        );
        assert!(
            message.contains("… 9950 earlier ones are not listed\n9951. select 1"),
            "{message}"
        );
        assert_eq!(exceeded(of_test(MANY), &recording.log()), None);
    }

    #[test]
    fn statements_that_are_not_remembered_count_for_their_request() {
        let recording = Recording::new("it::a_test");
        let number = recording.begin(Seen::get("/first"));
        send(&recording, 3, Caller::Exchange(number));
        send(&recording, MANY, Caller::Test);
        send(&recording, 1, Caller::Task(Some(number)));
        let log = recording.log();
        let message = exceeded(of_request(3), &log).expect("it sent four");
        assert!(
            message.starts_with("GET /first sent 4 queries, but the limit is 3:"),
            "{message}"
        );
        assert!(
            message.contains("… 3 earlier ones are not listed\n   4. select 1"),
            "{message}"
        );
        assert_eq!(exceeded(of_request(4), &log), None);
    }

    #[test]
    fn a_request_that_is_not_remembered_has_its_limit() {
        let recording = Recording::new("it::a_test");
        send(
            &recording,
            2,
            Caller::Exchange(recording.begin(Seen::get("/first"))),
        );
        for _ in 0..2000 {
            recording.begin(Seen::get("/other"));
        }
        let limits = of_request(1);
        let message = exceeded(limits, &recording.log()).expect("the first sent two");
        assert!(
            message.starts_with("request 1 of the test sent 2 queries, but the limit is 1:"),
            "{message}"
        );
    }

    #[test]
    fn statements_that_are_not_remembered_count_for_an_expectation() {
        let recording = Recording::new("it::a_test");
        let queries = Queries::of(Arc::clone(&recording));
        let work = async { send(&recording, MANY, Caller::Test) };
        let expected = queries.expect(MANY, work).now_or_never();
        assert_eq!(expected, Some(()));
    }

    #[test]
    fn nothing_is_said_of_all_statements_when_some_are_forgotten() {
        let recording = Recording::new("it::a_test");
        send(&recording, MANY, Caller::Test);
        let queries = Queries::of(recording);
        let message = panic::catch_unwind(AssertUnwindSafe(|| queries.matching("delete")));
        let message = message.expect_err("a delete may be forgotten");
        let message = message.downcast_ref::<String>().expect("it is a text");
        assert!(message.starts_with("the first 50 statements of this test are no longer recorded"));
    }
}

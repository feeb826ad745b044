//! One HTTP exchange of a test's application.

use std::time::Duration;

use http::{Method, StatusCode};

use super::Recording;

/// The most of the body of an unexpected response that is recorded, in bytes.
pub(crate) const BODY: usize = 4096;

/// A request, and its response when there was one.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) status: Option<StatusCode>,
    pub(crate) took: Duration,
    /// How many statements had been answered when it began.
    pub(crate) after_statements: usize,
    /// The beginning of the body, unless the status is one of success.
    pub(crate) body: Vec<u8>,
}

/// What is remembered of a request.
pub(crate) struct Seen {
    method: Method,
    target: String,
}

impl Seen {
    pub(crate) fn new(method: Method, target: String) -> Self {
        Self { method, target }
    }

    #[cfg(test)]
    pub(crate) fn get(target: &str) -> Self {
        let target = target.to_owned();
        Self {
            method: Method::GET,
            target,
        }
    }
}

impl Recording {
    /// Begins an exchange; gives its number.
    pub(crate) fn begin(&self, seen: Seen) -> usize {
        let mut log = self.log();
        let after_statements = log.statements.count();
        let size = seen.target.len() + BODY;
        let exchange = Exchange {
            method: seen.method,
            target: seen.target,
            status: None,
            took: Duration::ZERO,
            after_statements,
            body: Vec::new(),
        };
        log.exchanges.push(exchange, size);
        log.queries_of_exchanges.push(0);
        log.unclear_of_exchanges.push(0);
        let number = log.exchanges.count() - 1;
        log.open.push(number);
        number
    }

    /// Ends an exchange: it was answered or cancelled, or its handler panicked.
    pub(crate) fn end(&self, number: usize, took: Duration) {
        let mut log = self.log();
        log.open.retain(|open| *open != number);
        if let Some(exchange) = log.exchanges.get_mut(number) {
            exchange.took = took;
        }
    }
}

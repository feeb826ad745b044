//! One HTTP exchange of a test's application.

use std::{
    cell::Cell,
    convert::Infallible,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{Method, StatusCode},
    response::Response,
};
use http_body_util::BodyExt;

use super::{EXCHANGE, Recording};

/// So much of the body of an unexpected response is remembered, in bytes.
const BODY: usize = 4096;

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

/// Records one exchange of a test's application; a future of the answer to a request.
pub(crate) async fn recorded<F>(recording: Arc<Recording>, seen: Seen, answer: F) -> F::Output
where
    F: Future<Output = Result<Response, Infallible>>,
{
    let started = Instant::now();
    let number = recording.begin(seen);
    let _unanswered = Unanswered {
        recording: &recording,
        number,
        started,
    };
    let response = EXCHANGE.scope(Cell::new(number), answer).await?;
    let status = response.status();
    if let Some(exchange) = recording.log().exchanges.get_mut(number) {
        exchange.status = Some(status);
    }
    if status.is_client_error() || status.is_server_error() {
        let recording = Arc::clone(&recording);
        return Ok(response.map(|body| watched(body, recording, number)));
    }
    Ok(response)
}

/// What is remembered of a request.
pub(crate) struct Seen {
    method: Method,
    target: String,
}

impl Seen {
    #[cfg(test)]
    pub(crate) fn get(target: &str) -> Self {
        let target = target.to_owned();
        Self {
            method: Method::GET,
            target,
        }
    }

    pub(crate) fn of(request: &Request) -> Self {
        let target = request.uri().path_and_query();
        Self {
            method: request.method().clone(),
            target: target.map_or_else(String::new, |target| target.as_str().to_owned()),
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
        log.exchanges.count() - 1
    }
}

/// Sets the time of an exchange when it is over, by whatever way.
struct Unanswered<'a> {
    recording: &'a Recording,
    number: usize,
    started: Instant,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.recording.log().exchanges.get_mut(self.number) {
            exchange.took = self.started.elapsed();
        }
    }
}

/// The same body, whose beginning is remembered when it is read.
fn watched(body: Body, recording: Arc<Recording>, number: usize) -> Body {
    Body::new(body.map_frame(move |frame| {
        if let Some(data) = frame.data_ref() {
            remember(data, &recording, number);
        }
        frame
    }))
}

fn remember(data: &Bytes, recording: &Recording, number: usize) {
    let mut log = recording.log();
    let Some(Exchange { body, .. }) = log.exchanges.get_mut(number) else {
        return;
    };
    let room = BODY.saturating_sub(body.len()).min(data.len());
    body.extend_from_slice(&data[..room]);
}

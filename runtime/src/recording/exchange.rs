//! One HTTP exchange of a test's application.

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt;

use super::{EXCHANGE, Recording};

/// So much of the body of an unexpected response is remembered, in bytes.
const BODY: usize = 4096;

/// A request, and its response when there was one.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) status: Option<StatusCode>,
    pub(crate) took: Duration,
    /// How many statements had been answered when it began.
    pub(crate) after_statements: usize,
    /// The beginning of the body, unless the status is one of success.
    pub(crate) body: Vec<u8>,
}

/// Records one exchange of a test's application.
pub(crate) async fn recorded(recording: Arc<Recording>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let number = {
        let mut log = recording.log();
        let after_statements = log.statements.len();
        log.exchanges.push(Exchange {
            method: request.method().to_string(),
            target: request
                .uri()
                .path_and_query()
                .map_or("", |target| target.as_str())
                .to_owned(),
            status: None,
            took: Duration::ZERO,
            after_statements,
            body: Vec::new(),
        });
        log.exchanges.len() - 1
    };
    let _unanswered = Unanswered {
        recording: &recording,
        number,
        started,
    };
    let response = EXCHANGE.scope(Cell::new(number), next.run(request)).await;
    let status = response.status();
    recording.log().exchanges[number].status = Some(status);
    if status.is_client_error() || status.is_server_error() {
        let recording = Arc::clone(&recording);
        return response.map(|body| watched(body, recording, number));
    }
    response
}

/// Sets the time of an exchange when it is over, by whatever way.
struct Unanswered<'a> {
    recording: &'a Recording,
    number: usize,
    started: Instant,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.recording.log().exchanges[self.number].took = self.started.elapsed();
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
    let body = &mut log.exchanges[number].body;
    let room = BODY.saturating_sub(body.len()).min(data.len());
    body.extend_from_slice(&data[..room]);
}

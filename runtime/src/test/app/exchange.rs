//! Records the exchanges of a test's router.

use std::{cell::Cell, convert::Infallible, future::Future, sync::Arc, time::Instant};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use http_body_util::BodyExt;

use crate::{
    observe::recording::{BODY, EXCHANGE, Exchange, Recording, Seen},
    test::bypass::elsewhere::{Lookout, suspicious},
};

/// Awaits the response to a request, and records the exchange.
pub(super) async fn recorded<F>(
    recording: Arc<Recording>,
    lookout: Lookout,
    seen: Seen,
    answer: F,
) -> F::Output
where
    F: Future<Output = Result<Response, Infallible>>,
{
    let started = Instant::now();
    let number = recording.begin(seen);
    let timer = Timer {
        recording: &recording,
        number,
        started,
    };
    let response = EXCHANGE.scope(Cell::new(number), answer).await?;
    let status = response.status();
    if let Some(exchange) = recording.log().exchanges.get_mut(number) {
        exchange.status = Some(status);
    }
    drop(timer);
    if let Some(request) = suspicious(&recording, number) {
        let time = (started, Instant::now());
        Box::pin(lookout.look(recording.test(), request, time)).await;
    }
    if status.is_client_error() || status.is_server_error() {
        let recording = Arc::clone(&recording);
        return Ok(response.map(|body| recorded_body(body, recording, number)));
    }
    Ok(response)
}

/// The part of a request that is recorded.
pub(super) fn seen(request: &Request) -> Seen {
    let target = request.uri().path_and_query();
    let target = target.map_or_else(String::new, |target| target.as_str().to_owned());
    Seen::new(request.method().clone(), target)
}

/// Ends an exchange when it is answered or cancelled, or panics.
struct Timer<'a> {
    recording: &'a Recording,
    number: usize,
    started: Instant,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.recording.end(self.number, self.started.elapsed());
    }
}

/// The same body; its beginning is recorded when it is read.
fn recorded_body(body: Body, recording: Arc<Recording>, number: usize) -> Body {
    Body::new(body.map_frame(move |frame| {
        if let Some(data) = frame.data_ref() {
            record_body(data, &recording, number);
        }
        frame
    }))
}

fn record_body(data: &Bytes, recording: &Recording, number: usize) {
    let mut log = recording.log();
    let Some(Exchange { body, .. }) = log.exchanges.get_mut(number) else {
        return;
    };
    let room = BODY.saturating_sub(body.len()).min(data.len());
    body.extend_from_slice(&data[..room]);
}

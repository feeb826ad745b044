//! Matches a client's requests with the server's responses, and records the statements.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{
    backend,
    framing::{Body, Framing},
    frontend::{self, Prepared, Statements},
};
use crate::observe::recording::{ClientId, Recording, Statement};

/// What has been asked on one connection and not answered yet.
pub(super) struct Observer {
    recording: Arc<Recording>,
    client: ClientId,
    requests: Framing,
    answers: Framing,
    protocol: ProtocolState,
}

struct ProtocolState {
    recording: Arc<Recording>,
    client: ClientId,
    statements: Statements,
    /// What has been asked since the last Sync.
    asking: Option<Pending>,
    /// One for each `ReadyForQuery` that the server owes.
    open: VecDeque<Pending>,
}

/// Something that the server owes an answer to.
enum Pending {
    /// What is no statement, or was not understood.
    Other,
    Statement(Box<Request>),
}

struct Request {
    statement: Statement,
    asked: Instant,
    /// It was only prepared; worth telling if that failed.
    only_prepared: bool,
}

impl Observer {
    pub(super) fn new(recording: Arc<Recording>, client: ClientId) -> Self {
        let protocol = ProtocolState {
            recording: Arc::clone(&recording),
            client,
            statements: Statements::default(),
            asking: None,
            open: VecDeque::new(),
        };
        Self {
            recording,
            client,
            requests: Framing::default(),
            answers: Framing::default(),
            protocol,
        }
    }

    /// Notes that the client is not of the test's pool.
    pub(super) fn opened_elsewhere(&self) {
        self.recording.opened_elsewhere(self.client);
    }

    pub(super) fn client_bytes(&mut self, bytes: &[u8]) {
        let protocol = &mut self.protocol;
        self.requests.read(bytes, frontend::is_read, |kind, body| {
            protocol.asked(kind, body);
        });
    }

    pub(super) fn owes_an_answer(&self) -> bool {
        self.protocol.asking.is_some() || !self.protocol.open.is_empty()
    }

    pub(super) fn server_bytes(&mut self, bytes: &[u8]) {
        let protocol = &mut self.protocol;
        self.answers.read(bytes, backend::is_read, |kind, body| {
            protocol.answered(kind, body);
        });
    }
}

impl Drop for Observer {
    /// What has not been answered is recorded as that.
    fn drop(&mut self) {
        for pending in self.protocol.open.drain(..) {
            if let Pending::Statement(mut request) = pending {
                request.statement.is_unanswered = true;
                request.statement.took = request.asked.elapsed();
                self.recording.add(self.client, request.statement);
            }
        }
    }
}

impl ProtocolState {
    fn asked(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'Q' => {
                let sql = Body(body).text_or_beginning();
                let pending = sql.map_or(Pending::Other, |sql| request(frontend::kept(sql)));
                self.open.push_back(pending);
            }
            b'P' => {
                let prepared = self.statements.parse(body);
                let mut pending = prepared_request(prepared);
                if let Pending::Statement(request) = &mut pending {
                    request.only_prepared = true;
                }
                self.asking = Some(pending);
            }
            b'B' => drop(self.statements.bind(body)),
            b'E' => {
                let (prepared, parameters) = self.statements.bound.take().unzip();
                let mut pending = prepared_request(prepared);
                if let Pending::Statement(request) = &mut pending {
                    request.statement.parameters = parameters.unwrap_or_default();
                }
                self.asking = Some(pending);
            }
            b'C' => drop(self.statements.close(body)),
            b'S' => {
                let pending = self.asking.take().unwrap_or(Pending::Other);
                self.open.push_back(pending);
            }
            _ => {}
        }
    }

    fn answered(&mut self, kind: u8, body: &[u8]) {
        match (kind, self.open.front_mut()) {
            (b'Z', _) => {
                if let Some(Pending::Statement(request)) = self.open.pop_front() {
                    self.conclude(request, None);
                }
            }
            (b'C', Some(Pending::Statement(request))) => {
                request.statement.rows = backend::rows(body);
            }
            // The client sees an error before it sees that the server is ready again.
            (b'E', Some(pending)) => {
                if let Pending::Statement(request) = std::mem::replace(pending, Pending::Other) {
                    self.conclude(request, Some(body));
                }
            }
            _ => {}
        }
    }

    /// Records a statement, with the body of the error that answered it.
    fn conclude(&self, mut request: Box<Request>, error: Option<&[u8]>) {
        request.statement.error = error.map(backend::error);
        if request.only_prepared && error.is_none() {
            return;
        }
        request.statement.took = request.asked.elapsed();
        self.recording.add(self.client, request.statement);
    }
}

fn prepared_request(prepared: Option<Arc<Prepared>>) -> Pending {
    prepared.map_or(Pending::Other, |prepared| {
        request(Arc::clone(&prepared.sql))
    })
}

fn request(sql: Arc<str>) -> Pending {
    Pending::Statement(Box::new(Request {
        statement: Statement::new(sql),
        asked: Instant::now(),
        only_prepared: false,
    }))
}

//! Putting questions and answers together.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{
    backend,
    deepening::Deepening,
    deferral::{self, Deferral},
    framing::{Body, Framing},
    frontend::{self, Prepared, Statements},
    opening::{Opened, Opening},
    question::{Asked, Question},
};
use crate::{
    recording::{Recording, ServerError, Statement},
    sandbox::OWN,
};

/// What has been asked on one connection and not answered yet.
#[derive(Default)]
pub(super) struct Conversation {
    recording: Option<Arc<Recording>>,
    pub(super) is_relayed: bool,
    statements: Statements,
    /// What has been asked since the last Sync.
    asking: Option<Asked>,
    /// One for each `ReadyForQuery` that the server owes.
    open: VecDeque<Asked>,
    /// Why the server ended the connection.
    last_words: Option<ServerError>,
    deferral: Deferral,
    opening: Opening,
    pub(super) deepening: Deepening,
    /// The process that the server says it is.
    pub(super) process: Option<i32>,
}

impl Conversation {
    /// Records from now on; what has been opened for the test has been opened in good order, or will be.
    pub(super) fn record(&mut self, recording: Arc<Recording>) {
        self.recording = Some(recording);
        self.deferral.begin();
    }

    /// Ends the recording; what has not been answered is recorded as that.
    pub(super) fn stop(&mut self) {
        self.recording = None;
        self.deferral.forget();
        for asked in &mut self.open {
            if matches!(asked, Asked::Statement(_))
                && let Asked::Statement(question) = std::mem::replace(asked, Asked::Other)
            {
                question.give_up();
            }
        }
    }

    /// Whether the test has got out of the transaction around it.
    pub(super) fn has_escaped(&self) -> bool {
        self.deferral.has_escaped()
    }

    pub(super) fn last_words(&self) -> Option<ServerError> {
        self.last_words.clone()
    }

    /// Promises to open the transaction before anything else is asked; `sql` is told whether it is
    /// known already if the schema has constraints that can be deferred.
    pub(super) fn defer_opening(&mut self, sql: impl FnOnce(bool) -> String) {
        let sql = sql(self.opening.deferrable().is_some());
        self.opening.promise(deferral::message(&sql));
    }

    /// Takes back the promise to open the transaction, if it has not been kept.
    pub(super) fn need_not_open(&mut self) -> bool {
        self.opening.take().is_some()
    }

    pub(super) fn opened(&self) -> Option<&Opened> {
        self.opening.opened()
    }

    /// Promises to move the checkpoint before anything else is asked, unless that can fail.
    pub(super) fn defer_move(&mut self) -> bool {
        let quiet = self.open.is_empty() && self.asking.is_none() && self.recording.is_some();
        // A transaction that has still to be opened begins with a checkpoint.
        quiet && (self.opening.is_due() || self.deferral.promise())
    }

    /// What has to be asked before what the client asks.
    fn first(&mut self) -> Option<Vec<u8>> {
        if let Some(message) = self.opening.take() {
            self.open.push_back(Asked::Open);
            return Some(message);
        }
        let message = self.deferral.take()?;
        self.open.push_back(Asked::Move);
        Some(message)
    }

    /// Hears what a client says; gives what has to be asked first, and how many bytes are not for the
    /// server.
    pub(super) fn hear_client(
        &mut self,
        framing: &mut Framing,
        bytes: &[u8],
    ) -> (Option<Vec<u8>>, usize) {
        let (mut first, mut left_out) = (None, 0);
        if !self.deepening.is_waiting() {
            first = self.first();
        }
        framing.read(bytes, frontend::is_read, |kind, body, left| {
            if self.deepening.is_waiting() {
                self.deepening.leave_out();
                left_out = bytes.len() - left;
            } else {
                self.asked(kind, body);
            }
        });
        if self.deepening.is_waiting() {
            left_out = bytes.len();
        }
        (first, left_out)
    }

    /// Hears what a server says; gives how many bytes of it are not for the client, and what the
    /// client is to hear after it.
    pub(super) fn hear_server(
        &mut self,
        framing: &mut Framing,
        bytes: &[u8],
    ) -> (usize, Option<Vec<u8>>) {
        let is_opening = matches!(self.open.front(), Some(Asked::Open));
        let mut hidden = match self.open.front() {
            Some(Asked::Move | Asked::Open) => bytes.len(),
            _ => 0,
        };
        let is_read = |kind| backend::is_read(kind) || is_opening && kind == backend::ROW;
        let mut is_ready = false;
        framing.read(bytes, is_read, |kind, body, left| {
            is_ready |= kind == b'Z';
            if self.answered(kind, body) {
                hidden = bytes.len() - left;
            }
        });
        let answers = is_ready.then(|| self.deepening.answers()).flatten();
        (hidden, answers)
    }

    fn asked(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'Q' => {
                let sql = Body(body).text_or_beginning();
                let asked = sql.map(|sql| self.question(sql, || frontend::kept(sql)));
                let asked = asked.unwrap_or_else(|| self.not_understood());
                self.open.push_back(asked);
            }
            b'P' => {
                let prepared = self.statements.parse(body);
                let mut asked = self.prepared(prepared);
                if let Asked::Statement(question) = &mut asked {
                    question.only_prepared = true;
                }
                self.asking = Some(asked);
            }
            b'B' => drop(self.statements.bind(body)),
            b'E' => {
                let (prepared, parameters) = self.statements.bound.take().unzip();
                let mut asked = self.prepared(prepared);
                if let Asked::Statement(question) = &mut asked {
                    question.statement.parameters = parameters.unwrap_or_default();
                }
                self.asking = Some(asked);
            }
            b'C' => drop(self.statements.close(body)),
            b'S' => self
                .open
                .push_back(self.asking.take().unwrap_or(Asked::Other)),
            _ => {}
        }
    }

    /// Hears one message; says whether it is the last one that is not for the client.
    fn answered(&mut self, kind: u8, body: &[u8]) -> bool {
        if kind == b'E' && backend::is_last(body) {
            self.last_words = Some(backend::error(body));
        }
        if kind == backend::KEY {
            self.process = Body(body).i32();
        }
        match (kind, self.open.front_mut()) {
            (b'Z', _) => return self.ready(body),
            (b'C', Some(Asked::Statement(question))) => {
                self.deferral.completed(body, &question.statement);
                question.statement.rows = backend::rows(body);
            }
            (backend::ROW, Some(Asked::Open)) => self.opening.row(body),
            // The client is never told of these; the next release finds the transaction aborted.
            (b'E', Some(Asked::Move | Asked::Open)) => self.deferral.failed(),
            // The client sees an error before it sees that the server is ready again.
            (b'E', Some(asked)) => {
                self.deferral.failed();
                if let Asked::Statement(question) = std::mem::replace(asked, Asked::Other) {
                    question.conclude(Some(body));
                }
            }
            _ => {}
        }
        false
    }

    fn ready(&mut self, status: &[u8]) -> bool {
        self.deferral.ready(status);
        match self.open.pop_front() {
            Some(Asked::Statement(question)) => question.conclude(None),
            Some(Asked::Move | Asked::Open) => {
                // The server could not begin with the next one before.
                if let Some(Asked::Statement(next)) = self.open.front_mut() {
                    next.asked = Instant::now();
                }
                return true;
            }
            Some(Asked::Other) | None => {}
        }
        false
    }

    fn prepared(&mut self, prepared: Option<Arc<Prepared>>) -> Asked {
        match prepared {
            Some(prepared) => self.question(&prepared.sql, || Arc::clone(&prepared.sql)),
            None => self.not_understood(),
        }
    }

    /// Whatever it is, it may have ended the transaction.
    fn not_understood(&mut self) -> Asked {
        self.deferral.failed();
        Asked::Other
    }

    fn question(&self, sql: &str, text: impl FnOnce() -> Arc<str>) -> Asked {
        match &self.recording {
            Some(recording) if !sql.starts_with(OWN) => Asked::Statement(Question {
                statement: Statement::new(text(), recording.caller()),
                asked: Instant::now(),
                recording: Arc::clone(recording),
                only_prepared: false,
            }),
            _ => Asked::Other,
        }
    }
}

#[cfg(test)]
mod tests;

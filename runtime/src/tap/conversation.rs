//! Putting questions and answers together.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{
    backend,
    deferral::Deferral,
    framing::{Body, Framing},
    frontend::{self, Prepared, Statements},
};
use crate::{
    recording::{Recording, Statement},
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
    /// What the server said without being asked: why it ended the connection.
    last_words: Option<String>,
    deferral: Deferral,
}

enum Asked {
    /// What is not recorded: the sandbox's own queries, and what is no statement.
    Other,
    Statement(Question),
    /// The query that moves the checkpoint, of which the client knows nothing.
    Deferred,
}

struct Question {
    statement: Statement,
    asked: Instant,
    recording: Arc<Recording>,
    /// It was only prepared; worth telling if that failed.
    only_prepared: bool,
}

impl Conversation {
    /// Records from now on; what has been opened for the test has been opened in good order.
    pub(super) fn record(&mut self, recording: Arc<Recording>) {
        self.recording = Some(recording);
        self.deferral.begin();
    }

    /// Ends the recording; what has not been answered is recorded as that.
    pub(super) fn stop(&mut self) {
        self.recording = None;
        self.deferral.forget();
        for asked in &mut self.open {
            if let Asked::Statement(question) = std::mem::replace(asked, Asked::Other) {
                question.give_up();
            }
        }
    }

    /// Whether the test has got out of the transaction around it.
    pub(super) fn has_escaped(&self) -> bool {
        self.deferral.has_escaped()
    }

    pub(super) fn last_words(&self) -> Option<String> {
        self.last_words.clone()
    }

    /// Promises to move the checkpoint before anything else is asked, unless that can fail.
    pub(super) fn defer_move(&mut self) -> bool {
        let quiet = self.open.is_empty() && self.asking.is_none() && self.recording.is_some();
        quiet && self.deferral.promise()
    }

    /// Hears what a client says; says whether the checkpoint has to be moved first.
    pub(super) fn hear_client(&mut self, framing: &mut Framing, bytes: &[u8]) -> bool {
        let is_due = self.deferral.is_due();
        if is_due {
            self.open.push_back(Asked::Deferred);
        }
        framing.read(bytes, frontend::is_read, |kind, body, _| {
            self.asked(kind, body);
        });
        is_due
    }

    /// Hears what a server says; gives how many bytes of it are not for the client.
    pub(super) fn hear_server(&mut self, framing: &mut Framing, bytes: &[u8]) -> usize {
        let mut hidden = match self.open.front() {
            Some(Asked::Deferred) => bytes.len(),
            _ => 0,
        };
        framing.read(bytes, backend::is_read, |kind, body, left| {
            if self.answered(kind, body) {
                hidden = bytes.len() - left;
            }
        });
        hidden
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
        match (kind, self.open.front_mut()) {
            (b'Z', _) => return self.ready(body),
            (b'C', Some(Asked::Statement(question))) => {
                self.deferral.completed(body, &question.statement);
                question.statement.rows = backend::rows(body);
            }
            // The client is never told of this one; the next release finds the transaction aborted.
            (b'E', Some(Asked::Deferred)) => self.deferral.failed(),
            (b'E', None) => self.last_words = Some(backend::error(body).message),
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
            Some(Asked::Deferred) => {
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

impl Question {
    fn conclude(mut self, error: Option<&[u8]>) {
        self.statement.error = error.map(backend::error);
        if self.only_prepared && error.is_none() {
            return;
        }
        self.statement.took = self.asked.elapsed();
        self.recording.add(self.statement);
    }

    fn give_up(mut self) {
        self.statement.took = self.asked.elapsed();
        self.statement.is_unanswered = true;
        self.recording.add(self.statement);
    }
}

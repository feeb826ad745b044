//! Matches a client's requests with the server's responses, and records the statements.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{
    backend,
    framing::{Body, Framing},
    frontend::{self, Statements},
};
use crate::observe::recording::{ClientId, Parameter, Recording, Statement};

/// What has been asked on one connection and not answered yet.
pub(super) struct Observer {
    questions: Framing,
    answers: Framing,
    pending: Pending,
}

struct Pending {
    recording: Arc<Recording>,
    client: ClientId,
    statements: Statements,
    /// What the server answers next, in order.
    asked: VecDeque<Asked>,
}

/// Something that the server answers.
enum Asked {
    /// A Parse; worth recording if it fails.
    Parse(Box<Question>),
    /// An Execute.
    Execute(Box<Question>),
    /// A simple query or a function call, and what is to be recorded of it.
    Simple(Option<Box<Question>>),
    Sync,
}

struct Question {
    statement: Statement,
    asked: Instant,
    /// Its end has come. The error of the commit that may follow is about it.
    is_done: bool,
}

impl Observer {
    pub(super) fn new(recording: Arc<Recording>, client: ClientId) -> Self {
        Self {
            questions: Framing::default(),
            answers: Framing::default(),
            pending: Pending {
                recording,
                client,
                statements: Statements::default(),
                asked: VecDeque::new(),
            },
        }
    }

    /// Notes that the client is not of the test's pool.
    pub(super) fn opened_elsewhere(&self) {
        self.pending.recording.opened_elsewhere(self.pending.client);
    }

    pub(super) fn client_bytes(&mut self, bytes: &[u8]) {
        let pending = &mut self.pending;
        self.questions.read(bytes, frontend::is_read, |kind, body| {
            pending.asked(kind, body);
        });
    }

    pub(super) fn owes_an_answer(&self) -> bool {
        !self.pending.asked.is_empty()
    }

    pub(super) fn server_bytes(&mut self, bytes: &[u8]) {
        let pending = &mut self.pending;
        self.answers.read(bytes, backend::is_read, |kind, body| {
            pending.answered(kind, body);
        });
    }
}

impl Drop for Observer {
    /// What has not been answered is recorded as that.
    fn drop(&mut self) {
        let pending = &mut self.pending;
        for asked in std::mem::take(&mut pending.asked) {
            if let Asked::Execute(mut question) | Asked::Simple(Some(mut question)) = asked {
                question.statement.is_unanswered = !question.is_done;
                pending.conclude(question, None);
            }
        }
    }
}

impl Pending {
    fn asked(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'Q' => {
                let sql = Body(body).text_or_beginning();
                let asked = sql.map(|sql| question(frontend::kept(sql), Vec::new()));
                self.asked.push_back(Asked::Simple(asked));
            }
            b'F' => self.asked.push_back(Asked::Simple(None)),
            b'P' => {
                if let Some(prepared) = self.statements.parse(body) {
                    let asked = question(Arc::clone(&prepared.sql), Vec::new());
                    self.asked.push_back(Asked::Parse(asked));
                }
            }
            b'B' => drop(self.statements.bind(body)),
            b'E' => {
                if let Some((sql, parameters)) = self.statements.execute(body) {
                    self.asked
                        .push_back(Asked::Execute(question(sql, parameters)));
                }
            }
            b'C' => drop(self.statements.close(body)),
            b'S' => self.asked.push_back(Asked::Sync),
            _ => {}
        }
    }

    fn answered(&mut self, kind: u8, body: &[u8]) {
        // ParseComplete, CommandComplete, EmptyQueryResponse, PortalSuspended, ErrorResponse,
        // ReadyForQuery.
        if !matches!(kind, b'1' | b'C' | b'I' | b's' | b'E' | b'Z') {
            return;
        }
        match (kind, self.asked.front_mut()) {
            (b'C', Some(Asked::Simple(Some(question)))) => {
                question.statement.rows = backend::rows(body);
            }
            // Of a simple query, the end of a statement is not its own.
            (b'C' | b'I', Some(Asked::Simple(_))) => {}
            // The client sees an error before it sees that the server is ready again.
            (b'E', Some(Asked::Simple(question))) => {
                if let Some(question) = question.take() {
                    self.conclude(question, Some(body));
                }
            }
            (b'E', _) => self.failed(body),
            (b'Z', _) => self.ready(body),
            _ => self.succeeded(kind, body),
        }
    }

    /// A Parse or an Execute was answered.
    fn succeeded(&mut self, kind: u8, body: &[u8]) {
        self.conclude_done();
        match self.asked.front_mut() {
            Some(Asked::Parse(_)) if kind == b'1' => drop(self.asked.pop_front()),
            Some(Asked::Execute(question)) if kind != b'1' => {
                question.statement.rows = backend::rows(body);
                question.statement.took = question.asked.elapsed();
                question.is_done = true;
            }
            _ => {}
        }
        // What follows is known to be another statement, or comes before a commit can fail.
        if !matches!(self.asked.get(1), Some(Asked::Sync)) {
            self.conclude_done();
        }
    }

    /// Records a statement whose end has come.
    fn conclude_done(&mut self) {
        let is_done =
            |asked: &mut Asked| matches!(asked, Asked::Execute(question) if question.is_done);
        if let Some(Asked::Execute(question)) = self.asked.pop_front_if(is_done) {
            self.conclude(question, None);
        }
    }

    /// The server skips what follows up to the Sync, so it is not executed.
    fn failed(&mut self, body: &[u8]) {
        if let Some(Asked::Parse(question) | Asked::Execute(question)) = self
            .asked
            .pop_front_if(|asked| !matches!(asked, Asked::Sync))
        {
            self.conclude(question, Some(body));
        }
        self.skip();
    }

    fn ready(&mut self, status: &[u8]) {
        self.conclude_done();
        self.skip();
        if let Some(Asked::Simple(Some(question))) = self.asked.pop_front() {
            self.conclude(question, None);
        }
        if status == b"I" && self.asked.is_empty() {
            self.statements.forget_portals();
        }
    }

    /// Forgets what comes before the next `ReadyForQuery`.
    fn skip(&mut self) {
        let is_skipped = |asked: &mut Asked| matches!(asked, Asked::Parse(_) | Asked::Execute(_));
        while self.asked.pop_front_if(is_skipped).is_some() {}
    }

    /// Records a statement, with the body of the error that answered it.
    fn conclude(&self, mut question: Box<Question>, error: Option<&[u8]>) {
        question.statement.error = error.map(backend::error);
        if !question.is_done {
            question.statement.took = question.asked.elapsed();
        }
        self.recording.add(self.client, question.statement);
    }
}

fn question(sql: Arc<str>, parameters: Vec<Parameter>) -> Box<Question> {
    let mut statement = Statement::new(sql);
    statement.parameters = parameters;
    Box::new(Question {
        statement,
        asked: Instant::now(),
        is_done: false,
    })
}

#[cfg(test)]
mod tests;

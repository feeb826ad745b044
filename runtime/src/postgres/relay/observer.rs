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
    questions: Framing,
    answers: Framing,
    pending: Pending,
}

struct Pending {
    recording: Arc<Recording>,
    client: ClientId,
    statements: Statements,
    /// What has been asked since the last Sync.
    asking: Option<Asked>,
    /// One for each `ReadyForQuery` that the server owes.
    open: VecDeque<Asked>,
}

/// Something that the server owes an answer to.
enum Asked {
    /// What is no statement, or was not understood.
    Other,
    Statement(Box<Question>),
}

struct Question {
    statement: Statement,
    asked: Instant,
    /// It was only prepared; worth telling if that failed.
    only_prepared: bool,
}

impl Observer {
    pub(super) fn new(recording: Arc<Recording>, client: ClientId) -> Self {
        let pending = Pending {
            recording: Arc::clone(&recording),
            client,
            statements: Statements::default(),
            asking: None,
            open: VecDeque::new(),
        };
        Self {
            recording,
            client,
            questions: Framing::default(),
            answers: Framing::default(),
            pending,
        }
    }

    pub(super) fn client_bytes(&mut self, bytes: &[u8]) {
        let pending = &mut self.pending;
        self.questions.read(bytes, frontend::is_read, |kind, body| {
            pending.asked(kind, body);
        });
    }

    pub(super) fn owes_an_answer(&self) -> bool {
        self.pending.asking.is_some() || !self.pending.open.is_empty()
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
        for asked in self.pending.open.drain(..) {
            if let Asked::Statement(mut question) = asked {
                question.statement.is_unanswered = true;
                question.statement.took = question.asked.elapsed();
                self.recording.add(self.client, question.statement);
            }
        }
    }
}

impl Pending {
    fn asked(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'Q' => {
                let sql = Body(body).text_or_beginning();
                let asked = sql.map_or(Asked::Other, |sql| question(frontend::kept(sql)));
                self.open.push_back(asked);
            }
            b'P' => {
                let prepared = self.statements.parse(body);
                let mut asked = prepared_question(prepared);
                if let Asked::Statement(question) = &mut asked {
                    question.only_prepared = true;
                }
                self.asking = Some(asked);
            }
            b'B' => drop(self.statements.bind(body)),
            b'E' => {
                let (prepared, parameters) = self.statements.bound.take().unzip();
                let mut asked = prepared_question(prepared);
                if let Asked::Statement(question) = &mut asked {
                    question.statement.parameters = parameters.unwrap_or_default();
                }
                self.asking = Some(asked);
            }
            b'C' => drop(self.statements.close(body)),
            b'S' => {
                let asked = self.asking.take().unwrap_or(Asked::Other);
                self.open.push_back(asked);
            }
            _ => {}
        }
    }

    fn answered(&mut self, kind: u8, body: &[u8]) {
        match (kind, self.open.front_mut()) {
            (b'Z', _) => {
                if let Some(Asked::Statement(question)) = self.open.pop_front() {
                    self.conclude(question, None);
                }
            }
            (b'C', Some(Asked::Statement(question))) => {
                question.statement.rows = backend::rows(body);
            }
            // The client sees an error before it sees that the server is ready again.
            (b'E', Some(asked)) => {
                if let Asked::Statement(question) = std::mem::replace(asked, Asked::Other) {
                    self.conclude(question, Some(body));
                }
            }
            _ => {}
        }
    }

    /// Records a statement, with the body of the error that answered it.
    fn conclude(&self, mut question: Box<Question>, error: Option<&[u8]>) {
        question.statement.error = error.map(backend::error);
        if question.only_prepared && error.is_none() {
            return;
        }
        question.statement.took = question.asked.elapsed();
        self.recording.add(self.client, question.statement);
    }
}

fn prepared_question(prepared: Option<Arc<Prepared>>) -> Asked {
    prepared.map_or(Asked::Other, |prepared| question(Arc::clone(&prepared.sql)))
}

fn question(sql: Arc<str>) -> Asked {
    Asked::Statement(Box::new(Question {
        statement: Statement::new(sql),
        asked: Instant::now(),
        only_prepared: false,
    }))
}

//! Putting questions and answers together.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{
    backend,
    framing::{Body, Framing},
    frontend::{self, Statements},
    shortcut::Shortcut,
};
use crate::recording::{Recording, Statement};

/// What has been asked on one connection and not answered yet.
#[derive(Default)]
pub(super) struct Conversation {
    recording: Option<Arc<Recording>>,
    pub(super) is_relayed: bool,
    statements: Statements,
    /// What has been asked since the last Sync.
    asking: Option<Question>,
    /// One for each ReadyForQuery that the server owes; `None` for what is not a statement.
    open: VecDeque<Option<Question>>,
    shortcut: Shortcut,
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
        self.shortcut.trust();
    }

    pub(super) fn stop(&mut self) {
        self.recording = None;
    }

    /// Hears what a client says; gives the answer to it, where the server need not be waited for.
    pub(super) fn hear_client(
        &mut self,
        framing: &mut Framing,
        bytes: &[u8],
    ) -> Option<&'static [u8]> {
        let idle = self.open.is_empty() && self.asking.is_none() && framing.is_between_messages();
        let answer = (idle && self.recording.is_some())
            .then(|| self.shortcut.take(bytes))
            .flatten();
        framing.read(bytes, frontend::is_read, |kind, body, _| {
            self.asked(kind, body);
        });
        answer
    }

    /// Hears what a server says; gives how many bytes of it the client has been told already.
    pub(super) fn hear_server(&mut self, framing: &mut Framing, bytes: &[u8]) -> usize {
        let mut told = if self.shortcut.is_taken() {
            bytes.len()
        } else {
            0
        };
        framing.read(bytes, backend::is_read, |kind, body, left| {
            if self.answered(kind, body) {
                told = bytes.len() - left;
            }
        });
        told
    }

    fn asked(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'Q' => {
                let question = Body(body).text().and_then(|sql| self.question(sql.into()));
                self.open.push_back(question);
            }
            b'P' => {
                if let Some(prepared) = self.statements.parse(body) {
                    self.asking = self.question(Arc::clone(&prepared.sql));
                    if let Some(question) = &mut self.asking {
                        question.only_prepared = true;
                    }
                }
            }
            b'B' => drop(self.statements.bind(body)),
            b'E' => {
                if let Some((prepared, parameters)) = self.statements.bound.take() {
                    self.asking = self.question(Arc::clone(&prepared.sql));
                    if let Some(question) = &mut self.asking {
                        question.statement.parameters = parameters;
                    }
                }
            }
            b'C' => drop(self.statements.close(body)),
            b'S' => self.open.push_back(self.asking.take()),
            _ => {}
        }
    }

    /// Hears one message; says whether it is the last one of what the client was told already.
    fn answered(&mut self, kind: u8, body: &[u8]) -> bool {
        let question = self.open.front_mut();
        match (kind, question) {
            (b'Z', _) => {
                if let Some(Some(question)) = self.open.pop_front() {
                    question.conclude();
                }
                return self.shortcut.ready(body);
            }
            (b'C', question) => {
                let question = question.and_then(Option::as_mut);
                self.shortcut.completed(
                    body,
                    question.as_deref().map(|question| &question.statement),
                );
                if let Some(question) = question {
                    question.statement.rows = backend::rows(body);
                }
            }
            // The client sees an error before it sees that the server is ready again.
            (b'E', Some(question)) => {
                self.shortcut.failed();
                if let Some(mut question) = question.take() {
                    question.statement.error = Some(backend::error(body));
                    question.conclude();
                }
            }
            _ => {}
        }
        false
    }

    fn question(&self, sql: Arc<str>) -> Option<Question> {
        let recording = self.recording.clone()?;
        Some(Question {
            statement: Statement::new(sql, recording.caller()),
            asked: Instant::now(),
            recording,
            only_prepared: false,
        })
    }
}

impl Question {
    fn conclude(mut self) {
        if self.only_prepared && self.statement.error.is_none() {
            return;
        }
        self.statement.took = self.asked.elapsed();
        self.recording.add(self.statement);
    }
}

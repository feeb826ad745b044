//! Putting questions and answers together.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{backend, framing::Body, frontend::Statements};
use crate::recording::{Recording, Statement};

/// What has been asked on one connection and not answered yet.
#[derive(Default)]
pub(super) struct Conversation {
    pub(super) recording: Option<Arc<Recording>>,
    pub(super) is_relayed: bool,
    statements: Statements,
    /// What has been asked since the last Sync.
    asking: Option<Question>,
    /// One for each ReadyForQuery that the server owes; `None` for what is not a statement.
    open: VecDeque<Option<Question>>,
}

struct Question {
    statement: Statement,
    asked: Instant,
    recording: Arc<Recording>,
    /// It was only prepared; worth telling if that failed.
    only_prepared: bool,
}

impl Conversation {
    /// A message of the client.
    pub(super) fn asked(&mut self, kind: u8, body: &[u8]) {
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

    /// A message of the server.
    pub(super) fn answered(&mut self, kind: u8, body: &[u8]) {
        if kind == b'Z' {
            if let Some(Some(question)) = self.open.pop_front() {
                question.conclude();
            }
            return;
        }
        let Some(Some(question)) = self.open.front_mut() else {
            return;
        };
        match kind {
            b'C' => question.statement.rows = backend::rows(body),
            b'E' => question.statement.error = Some(backend::error(body)),
            _ => {}
        }
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

//! What has been asked on a connection.

use std::{sync::Arc, time::Instant};

use super::backend;
use crate::recording::{Recording, Statement};

/// Something that the server owes an answer to.
pub(super) enum Asked {
    /// What is not recorded: the sandbox's own queries, and what is no statement.
    Other,
    Statement(Question),
    /// The query that moves the checkpoint, of which the client knows nothing.
    Move,
    /// The query that opens the transaction, of which it knows nothing either.
    Open,
}

/// A statement of the test.
pub(super) struct Question {
    pub(super) statement: Statement,
    pub(super) asked: Instant,
    pub(super) recording: Arc<Recording>,
    /// It was only prepared; worth telling if that failed.
    pub(super) only_prepared: bool,
}

impl Question {
    /// Records the statement, with the body of the error that answered it.
    pub(super) fn conclude(mut self, error: Option<&[u8]>) {
        self.statement.error = error.map(backend::error);
        if self.only_prepared && error.is_none() {
            return;
        }
        self.statement.took = self.asked.elapsed();
        self.recording.add(self.statement);
    }

    /// Records that it was not answered.
    pub(super) fn give_up(mut self) {
        self.statement.took = self.asked.elapsed();
        self.statement.is_unanswered = true;
        self.recording.add(self.statement);
    }
}

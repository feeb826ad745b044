//! The extended protocol: the messages of a client until its Sync.

use std::rc::Rc;

use super::{Engine, schedule::Flow};
use crate::postgres::{
    proxy::{
        api::ClientId,
        client::UnitKind,
        control::Control,
        expected::Expected,
        protocol::{Inbox, message},
        statements::Prepared,
    },
    sqlstate,
};

impl Engine {
    pub(super) fn advance_extended(&mut self, id: ClientId) -> Flow {
        if matches!(self.unit(id).kind, UnitKind::Extended { synced: true }) {
            if self.is_owed(id) {
                return Flow::Wait;
            }
            return self.check_or_finish(id);
        }
        // Its messages are read in place, so it is out of the engine meanwhile.
        let inbox = std::mem::take(&mut self.client(id).inbox);
        let flow = self.advance_message(id, &inbox);
        let client = self.client(id);
        client.inbox = inbox;
        match flow {
            Step::Taken => {
                client.inbox.pop();
                Flow::Go
            }
            Step::Left => Flow::Go,
            Step::Waits => Flow::Wait,
        }
    }

    fn advance_message(&mut self, id: ClientId, inbox: &Inbox) -> Step {
        if self.unit(id).awaits_copy {
            // What comes next are rows, or what the server ignores among rows, or neither.
            self.flush(id);
            return Step::Waits;
        }
        if self.client(id).has_failed() && self.is_owed(id) {
            // What a failed transaction still describes may be refused, and the rest skipped then.
            self.flush(id);
            return Step::Waits;
        }
        let Some((kind, body)) = inbox.front() else {
            if self.client(id).is_finished || self.client(id).stage != super::Stage::Open {
                return self.abandon_pipeline(id);
            }
            return Step::Waits;
        };
        match kind {
            b'S' => {
                self.sync(id);
                Step::Taken
            }
            b'X' => self.abandon_pipeline(id),
            // Without a Sync in front of it, the simple query is a unit of its own all the same.
            b'Q' | b'F' if !self.unit(id).failed => {
                self.sync_silently(id);
                Step::Left
            }
            _ if self.unit(id).failed => Step::Taken,
            b'H' => {
                self.flush(id);
                Step::Taken
            }
            b'P' => self.parse(id, body).unwrap_or_else(|| self.malformed(id)),
            b'B' => self.bind(id, body).unwrap_or_else(|| self.malformed(id)),
            b'D' => self
                .describe(id, body)
                .unwrap_or_else(|| self.malformed(id)),
            b'E' => self.execute(id, body).unwrap_or_else(|| self.malformed(id)),
            b'C' => self.close(id, body).unwrap_or_else(|| self.malformed(id)),
            // Rows of a COPY that has failed.
            b'd' | b'c' | b'f' => Step::Taken,
            _ => self.malformed(id),
        }
    }

    pub(super) fn malformed(&mut self, id: ClientId) -> Step {
        self.fail(id, sqlstate::PROTOCOL_VIOLATION, "invalid message format");
        Step::Taken
    }

    pub(super) fn sync(&mut self, id: ClientId) {
        let unit = self.unit(id);
        unit.kind = UnitKind::Extended { synced: true };
        // The server reports changed settings at a Sync, also where a control statement has ended
        // what was sent.
        let (entered, ran) = (unit.entered, unit.ran);
        let reports = ran && self.client(id).changed_reported;
        if (entered || reports) && self.active == Some(id) {
            message(&mut self.backend.out, b'S', |_| {});
            self.backend.answers.push(Expected::Sync);
            if !self.unit(id).failed {
                self.check_with_it(id);
            }
        }
    }

    /// Ends the unit without `ReadyForQuery` for the client.
    fn sync_silently(&mut self, id: ClientId) {
        self.sync(id);
        self.unit(id).is_silent = true;
    }

    /// Whether the backend has not answered everything that a client has asked.
    pub(super) fn is_owed(&self, id: ClientId) -> bool {
        self.active == Some(id) && !self.backend.answers.is_empty()
    }

    /// The client ends without a Sync, so nothing of the pipeline stays.
    fn abandon_pipeline(&mut self, id: ClientId) -> Step {
        self.unit(id).failed = true;
        self.sync_silently(id);
        Step::Left
    }

    pub(super) fn flush(&mut self, id: ClientId) {
        if self.is_owed(id) && !self.unit(id).flushed {
            self.unit(id).flushed = true;
            message(&mut self.backend.out, b'H', |_| {});
        }
    }

    /// Gets the backend and sets it up.
    pub(super) fn reach(&mut self, id: ClientId) -> bool {
        if !self.acquire(id) {
            return false;
        }
        self.enter(id);
        self.unit(id).flushed = false;
        true
    }

    pub(super) fn statement(&mut self, id: ClientId, name: &str) -> Option<Rc<Prepared>> {
        let found = self.client(id).statements.get(name).cloned();
        if found.is_none() {
            let text = if name.is_empty() {
                "unnamed prepared statement does not exist".to_owned()
            } else {
                format!("prepared statement \"{name}\" does not exist")
            };
            self.fail(id, sqlstate::INVALID_SQL_STATEMENT_NAME, &text);
        }
        found
    }

    pub(super) fn is_refused_in_failed(&mut self, id: ClientId, statement: &Prepared) -> bool {
        let ends = statement
            .info
            .control
            .as_ref()
            .is_some_and(Control::ends_failure);
        let refused = self.client(id).has_failed() && !ends && !statement.info.is_empty;
        match &statement.info.unknown {
            // The server's parser comes first.
            Some(word) if refused => self.fail_to_parse(id, word),
            None if refused => self.fail_in_failed(id),
            _ => {}
        }
        refused
    }
}

/// What became of a message.
#[derive(PartialEq, Eq)]
pub(super) enum Step {
    Taken,
    /// It is looked at again.
    Left,
    Waits,
}

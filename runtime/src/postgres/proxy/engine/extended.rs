//! The extended protocol: the messages of a client until its Sync.

use std::rc::Rc;

use super::{Engine, schedule::Flow};
use crate::postgres::{
    proxy::{
        api::ClientId,
        client::UnitKind,
        control::Control,
        expected::{Execution, Expected},
        protocol::{Body, Inbox, message, with_name},
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
    fn is_owed(&self, id: ClientId) -> bool {
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

    fn execute(&mut self, id: ClientId, body: &[u8]) -> Option<Step> {
        let mut body = Body(body);
        let name = body.text()?;
        let Some(statement) = self.portal(id, name) else {
            return Some(Step::Taken);
        };
        if let Some(control) = &statement.info.control {
            // What was sent before must have succeeded, and what it is answered must be known.
            if self.is_owed(id) {
                self.flush(id);
                return Some(Step::Waits);
            }
            let control = control.clone();
            let client = self.client(id);
            if client
                .portals
                .get(name)
                .is_some_and(|portal| portal.is_done)
            {
                let text = format!("portal \"{name}\" cannot be run");
                self.fail(id, sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, &text);
                return Some(Step::Taken);
            }
            client.passed_control = false;
            client.executing_limit = body.u32().unwrap_or(0);
            client.executing = Some(std::sync::Arc::clone(&statement.sql));
            let flow = self.control(id, &control);
            let client = self.client(id);
            let passed = std::mem::take(&mut client.passed_control);
            if let Some(portal) = client.portals.get_mut(name) {
                portal.is_done |= passed && !matches!(control, Control::ShowVirtual(_));
            }
            return Some(match (passed, flow) {
                (true, _) => Step::Taken,
                (false, Flow::Wait) => Step::Waits,
                (false, Flow::Go) => Step::Left,
            });
        }
        if let Some((code, text)) = self.refusal(id, &statement.info) {
            self.record_refused(id, name, code, &text);
            self.fail(id, code, &text);
            return Some(Step::Taken);
        }
        if !self.has_portal(id, name) {
            return Some(Step::Taken);
        }
        if !self.acquire(id) {
            return Some(Step::Waits);
        }
        if self.is_faulted(id, Some(&statement.sql)) {
            // In its turn: what was sent before is answered first.
            self.flush(id);
            return Some(Step::Left);
        }
        self.enter(id);
        self.unit(id).flushed = false;
        let infos = std::slice::from_ref(&statement.info);
        self.warn_of_local(id, infos);
        let portal = self.client(id).portals.get_mut(name)?;
        let parameters = std::mem::take(&mut portal.parameters);
        self.note(id, &statement.info, &parameters);
        self.unit(id).awaits_copy = statement.info.is_copy;
        self.unit(id).piped |= !statement.info.is_empty;
        with_name(
            &mut self.backend.out,
            b'E',
            b"",
            &portal_name(id, name),
            body.0,
        );
        let execution = Execution {
            sql: std::sync::Arc::clone(&statement.sql),
            offset: 0,
            parameters,
            infos: vec![Rc::clone(&statement.info)],
            done: 0,
            asked: self.now,
            rows: None,
            values: Vec::new(),
        };
        self.backend
            .answers
            .push(Expected::Execute(Box::new(execution)));
        Some(Step::Taken)
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

    pub(super) fn portal(&mut self, id: ClientId, name: &str) -> Option<Rc<Prepared>> {
        let found = self
            .client(id)
            .portals
            .get(name)
            .map(|portal| Rc::clone(&portal.statement));
        if found.is_none() {
            self.fail_without_portal(id, name);
        }
        found
    }

    /// Whether the backend has a portal of a client, which fails otherwise: there is one unnamed
    /// portal for all clients and for the queries of the proxy.
    pub(super) fn has_portal(&mut self, id: ClientId, name: &str) -> bool {
        let has = !name.is_empty() || self.backend.answers.unnamed == Some(id);
        if !has {
            self.fail_without_portal(id, name);
        }
        has
    }

    fn fail_without_portal(&mut self, id: ClientId, name: &str) {
        let text = format!("portal \"{name}\" does not exist");
        self.fail(id, sqlstate::INVALID_CURSOR_NAME, &text);
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

    /// The statement of the Execute that is next.
    pub(super) fn next_execution(&mut self, id: ClientId) -> Option<Rc<Prepared>> {
        let client = self.client(id);
        let (kind, body) = client.inbox.front()?;
        let name = Body(body).text().filter(|_| kind == b'E')?;
        client
            .portals
            .get(name)
            .map(|portal| Rc::clone(&portal.statement))
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

/// A portal's name on the backend. The unnamed one needs no name, since a new one replaces it.
pub(super) fn portal_name(id: ClientId, name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("v{id}_{name}")
    }
}

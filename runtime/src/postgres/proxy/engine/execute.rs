//! The execution of a portal.

use std::{rc::Rc, sync::Arc};

use super::{Engine, extended::Step, portals::portal_name, schedule::Flow};
use crate::postgres::{
    proxy::{
        api::ClientId,
        control::Control,
        expected::{Execution, Expected},
        protocol::{Body, with_name},
        statements::Prepared,
    },
    sqlstate,
};

impl Engine {
    pub(super) fn execute(&mut self, id: ClientId, body: &[u8]) -> Option<Step> {
        let mut body = Body(body);
        let name = body.text()?;
        let Some(statement) = self.portal(id, name) else {
            return Some(Step::Taken);
        };
        if let Some(control) = &statement.info.control {
            let limit = body.u32().unwrap_or(0);
            return Some(self.execute_control(id, name, &statement, control, limit));
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
        self.send_execution(id, name, &statement, body.0)
    }

    /// Sends the Execute of a portal with its limit of rows.
    fn send_execution(
        &mut self,
        id: ClientId,
        name: &str,
        statement: &Prepared,
        limit: &[u8],
    ) -> Option<Step> {
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
            limit,
        );
        let execution = Execution {
            sql: Arc::clone(&statement.sql),
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

    /// Does a control statement, which the backend gets in other words.
    fn execute_control(
        &mut self,
        id: ClientId,
        name: &str,
        statement: &Prepared,
        control: &Control,
        limit: u32,
    ) -> Step {
        // What was sent before must have succeeded, and what it is answered must be known.
        if self.is_owed(id) {
            self.flush(id);
            return Step::Waits;
        }
        let client = self.client(id);
        if client
            .portals
            .get(name)
            .is_some_and(|portal| portal.is_done)
        {
            let text = format!("portal \"{name}\" cannot be run");
            self.fail(id, sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, &text);
            return Step::Taken;
        }
        client.passed_control = false;
        client.executing_limit = limit;
        client.executing = Some(Arc::clone(&statement.sql));
        let flow = self.control(id, control);
        let client = self.client(id);
        let passed = std::mem::take(&mut client.passed_control);
        if let Some(portal) = client.portals.get_mut(name) {
            portal.is_done |= passed && !matches!(control, Control::ShowVirtual(_));
        }
        match (passed, flow) {
            (true, _) => Step::Taken,
            (false, Flow::Wait) => Step::Waits,
            (false, Flow::Go) => Step::Left,
        }
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

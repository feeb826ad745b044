//! Parse, Describe and Close.

use std::rc::Rc;

use super::{Engine, extended::Step, portals::portal_name};
use crate::postgres::{
    proxy::{
        api::ClientId,
        control::Control,
        expected::Expected,
        protocol::{Body, Inbox, MessageKind, message, with_name},
        statements::{BackendState, Prepared},
    },
    sqlstate,
};

impl Engine {
    pub(super) fn parse(&mut self, id: ClientId, body: &[u8]) -> Option<Step> {
        let mut body = Body(body);
        let (name, sql) = (body.text()?, body.text()?);
        if name.is_empty() {
            // It ends with the next one, also if that is refused.
            self.set_statement(id, name, None);
        }
        let scope = self.scope(id);
        let prepared = self.statements.prepare(sql, body.0, scope);
        if self.is_refused_in_failed(id, &prepared) {
            self.record_unprepared(id, &prepared.sql);
            return Some(Step::Taken);
        }
        let is_taken = self.client(id).statements.contains_key(name);
        if prepared.info.control.is_none() && prepared.state.get() == BackendState::New {
            if !self.reach(id) {
                return Some(Step::Waits);
            }
            let text =
                match self.in_its_own_names(id, sql, std::slice::from_ref(&prepared.info), true) {
                    Err((code, text)) => {
                        self.fail(id, code, &text);
                        return Some(Step::Taken);
                    }
                    Ok(text) => text,
                };
            self.send_parse(&prepared, text.as_deref());
            let parsed = Rc::clone(&prepared);
            self.backend.answers.push(if is_taken {
                Expected::Reparse(parsed)
            } else {
                Expected::Parse(parsed)
            });
        } else if !is_taken {
            self.send(id, |out| message(out, b'1', |_| {}));
        }
        if is_taken {
            // After what the server's parser says of the text.
            let text = format!("prepared statement \"{name}\" already exists");
            self.fail(id, sqlstate::DUPLICATE_PREPARED_STATEMENT, &text);
        } else {
            self.set_statement(id, name, Some(prepared));
        }
        Some(Step::Taken)
    }

    /// Gives a name to a statement, or to none; a failure of what was asked before takes that back.
    fn set_statement(&mut self, id: ClientId, name: &str, statement: Option<Rc<Prepared>>) {
        let statements = &mut self.client(id).statements;
        let old = match statement {
            Some(new) => statements.insert(name.to_owned(), new),
            None => statements.remove(name),
        };
        if self.active == Some(id) && self.backend.answers.has_requests() {
            let renamed = Expected::Renamed(Box::new((name.to_owned(), old)));
            self.backend.answers.push(renamed);
        }
    }

    pub(super) fn send_parse(&mut self, prepared: &Prepared, text: Option<&str>) {
        let text = text
            .or(prepared.info.rewritten.as_deref())
            .unwrap_or(&prepared.sql);
        message(&mut self.backend.out, b'P', |out| {
            for part in [
                prepared.name.as_bytes(),
                b"\0",
                text.as_bytes(),
                b"\0",
                &prepared.types,
            ] {
                out.extend_from_slice(part);
            }
        });
        prepared.state.set(BackendState::Sent);
    }

    /// Parses a statement that the client believes to be prepared, after the harness took a schema
    /// back.
    pub(super) fn parse_anew(&mut self, statement: &Rc<Prepared>) {
        if statement.state.get() == BackendState::New {
            self.send_parse(statement, None);
            self.backend
                .answers
                .push(Expected::Reparse(Rc::clone(statement)));
        }
    }

    pub(super) fn describe(&mut self, id: ClientId, body: &[u8]) -> Option<Step> {
        let mut body = Body(body);
        let (kind, name) = (body.u8()?, body.text()?);
        let statement = if kind == b'S' {
            self.statement(id, name)
        } else {
            self.portal(id, name)
        };
        let Some(statement) = statement else {
            return Some(Step::Taken);
        };
        if let Some(control) = &statement.info.control {
            let control = control.clone();
            self.send(id, |out| {
                if kind == b'S' {
                    message(out, b't', |out| out.extend_from_slice(&[0, 0]));
                }
                describe_control(out, &control);
            });
            return Some(Step::Taken);
        }
        let known = (kind == b'S')
            .then(|| statement.described.borrow().clone())
            .flatten();
        let has_failed = self.client(id).has_failed();
        if let Some(known) = known {
            if has_failed && returns_rows(&known) {
                self.fail_in_failed(id);
            } else {
                self.send(id, |out| out.extend_from_slice(&known));
            }
            return Some(Step::Taken);
        }
        if has_failed && kind != b'S' {
            self.fail_in_failed(id);
            return Some(Step::Taken);
        }
        if kind != b'S' && !self.has_portal(id, name) {
            return Some(Step::Taken);
        }
        if !self.reach(id) {
            return Some(Step::Waits);
        }
        self.parse_anew(&statement);
        if kind == b'S' {
            with_name(&mut self.backend.out, b'D', b"S", &statement.name, &[]);
            self.backend
                .answers
                .push(Expected::Describe(Some(statement)));
        } else {
            with_name(
                &mut self.backend.out,
                b'D',
                b"P",
                &portal_name(id, name),
                &[],
            );
            self.backend.answers.push(Expected::Describe(None));
        }
        Some(Step::Taken)
    }

    /// Passes the backend's answer to a Describe on, and remembers that of a statement. A failed
    /// transaction describes only what returns no rows.
    pub(super) fn take_description(
        &mut self,
        id: ClientId,
        prepared: Option<Rc<Prepared>>,
        kind: MessageKind,
        whole: &[u8],
    ) {
        self.backend.answers.described.extend_from_slice(whole);
        let has_failed = self.client(id).has_failed();
        if kind == b't' {
            if !has_failed {
                self.forward(id, whole);
            }
            return;
        }
        let described = std::mem::take(&mut self.backend.answers.described);
        match kind {
            b'T' if has_failed => {
                self.backend.answers.pop();
                self.fail_in_failed(id);
                self.send_local();
            }
            _ if has_failed => self.answered(id, &described),
            _ => self.answered(id, whole),
        }
        if let Some(prepared) = prepared {
            *prepared.described.borrow_mut() = Some(Rc::from(described));
        }
    }

    pub(super) fn close(&mut self, id: ClientId, body: &[u8]) -> Option<Step> {
        let mut body = Body(body);
        let (kind, name) = (body.u8()?, body.text()?);
        if kind == b'S' {
            self.set_statement(id, name, None);
            self.send(id, |out| message(out, b'3', |_| {}));
            return Some(Step::Taken);
        }
        let runs = self.active == Some(id) && self.unit(id).entered;
        let client = self.client(id);
        let portal = client.portals.get(name);
        let is_real = portal.is_some_and(|portal| portal.statement.info.control.is_none());
        if is_real && !client.has_failed() && (runs || !name.is_empty()) {
            if !self.reach(id) {
                return Some(Step::Waits);
            }
            let own = portal_name(id, name);
            with_name(&mut self.backend.out, b'C', b"P", &own, &[]);
            self.backend.answers.push(Expected::Close);
            self.client(id).portals.remove(name);
            self.pending(id).cursors.retain(|known| *known != own);
        } else {
            client.portals.remove(name);
            self.send(id, |out| message(out, b'3', |_| {}));
        }
        Some(Step::Taken)
    }
}

/// Whether the answer to a Describe of a statement, which begins with its parameters, says that it
/// returns rows.
pub(super) fn returns_rows(described: &[u8]) -> bool {
    let mut inbox = Inbox::default();
    inbox.push(described);
    inbox.cut(true).ok();
    inbox.pop();
    inbox.front().is_some_and(|(kind, _)| kind == b'T')
}

pub(super) fn describe_control(out: &mut Vec<u8>, control: &Control) {
    match control {
        Control::ShowVirtual(name) => super::session::show_description(out, name),
        _ => message(out, b'n', |_| {}),
    }
}

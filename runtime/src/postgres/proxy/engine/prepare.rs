//! Parse, Describe and Close.

use std::rc::Rc;

use super::{
    Engine,
    extended::{Step, portal_name},
};
use crate::postgres::{
    proxy::{
        api::ClientId,
        control::Control,
        expected::Expected,
        protocol::{Body, message, with_name},
        statements::{Prepared, State},
    },
    sqlstate,
};

impl Engine {
    pub(super) fn parse(&mut self, id: ClientId, body: &[u8]) -> Option<Step> {
        let mut body = Body(body);
        let (name, sql) = (body.text()?, body.text()?);
        if !name.is_empty() && self.client(id).statements.contains_key(name) {
            let text = format!("prepared statement \"{name}\" already exists");
            self.fail(id, sqlstate::DUPLICATE_PREPARED_STATEMENT, &text);
            return Some(Step::Taken);
        }
        let place = self.place(id);
        let prepared = self.statements.prepare(sql, body.0, place);
        if self.is_refused_in_failed(id, &prepared) {
            self.record_unprepared(id, &prepared.sql);
            return Some(Step::Taken);
        }
        if prepared.info.control.is_none() && prepared.state.get() == State::New {
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
            self.backend
                .answers
                .push(Expected::Parse(Rc::clone(&prepared)));
        } else {
            self.send(id, |out| message(out, b'1', |_| {}));
        }
        self.client(id).statements.insert(name.to_owned(), prepared);
        Some(Step::Taken)
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
        prepared.state.set(State::Sent);
    }

    /// Parses a statement that the client believes to be prepared, after the harness took a schema back.
    pub(super) fn parse_anew(&mut self, statement: &Rc<Prepared>) {
        if statement.state.get() == State::New {
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
        if let Some(known) = known {
            self.send(id, |out| out.extend_from_slice(&known));
            return Some(Step::Taken);
        }
        if self.client(id).has_failed() {
            self.fail_in_failed(id);
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

    pub(super) fn close(&mut self, id: ClientId, body: &[u8]) -> Option<Step> {
        let mut body = Body(body);
        let (kind, name) = (body.u8()?, body.text()?);
        if kind == b'S' {
            self.client(id).statements.remove(name);
            self.send(id, |out| message(out, b'3', |_| {}));
            return Some(Step::Taken);
        }
        let closed = self.client(id).portals.remove(name);
        let is_real = closed.is_some_and(|portal| portal.statement.info.control.is_none());
        let runs = self.active == Some(id) && self.unit(id).entered;
        if is_real && !self.client(id).has_failed() && (runs || !name.is_empty()) {
            if !self.reach(id) {
                return Some(Step::Waits);
            }
            with_name(
                &mut self.backend.out,
                b'C',
                b"P",
                &portal_name(id, name),
                &[],
            );
            self.backend.answers.push(Expected::Close);
        } else {
            self.send(id, |out| message(out, b'3', |_| {}));
        }
        Some(Step::Taken)
    }
}

pub(super) fn describe_control(out: &mut Vec<u8>, control: &Control) {
    match control {
        Control::ShowVirtual(name) => super::session::show_description(out, name),
        _ => message(out, b'n', |_| {}),
    }
}

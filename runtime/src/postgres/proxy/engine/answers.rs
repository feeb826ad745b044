//! What the backend says, and who is to hear it.

use super::{
    Engine,
    errors::describe,
    observe::{collect, complete},
};
use crate::postgres::proxy::{
    api::{ClientId, NOTIFY_SQLSTATE},
    expected::Expected,
    protocol::{Body, MessageKind, error_field, split},
    statements::BackendState,
};

impl Engine {
    pub(super) fn take_backend_messages(&mut self) {
        let mut inbox = std::mem::take(&mut self.backend.inbox);
        if inbox.cut(true).is_err() {
            self.break_off("the server sent a message of impossible length".to_owned());
        }
        while let Some(whole) = inbox.front_whole() {
            let (kind, body) = split(whole);
            self.take_message(kind, body, whole);
            inbox.pop();
        }
        self.backend.inbox = inbox;
        // The server's last words say more.
        if let Some(why) = self.backend.closed.take() {
            self.break_off(why);
        }
    }

    fn take_message(&mut self, kind: MessageKind, body: &[u8], whole: &[u8]) {
        match kind {
            b'S' => return self.parameter_changed(body),
            b'N' => return self.take_notice(body, whole),
            b'A' => return,
            b'E' if matches!(error_field(body, b'V'), Some("FATAL" | "PANIC")) => {
                let text = error_field(body, b'M').unwrap_or_default();
                self.backend.last_words = error_field(body, b'C').map(str::to_owned);
                return self.break_off(text.to_owned());
            }
            _ => {}
        }
        match self.backend.answers.front() {
            None if kind == b'E' => self.break_off(describe(body)),
            None => {}
            Some(Expected::Own(_)) => self.take_own_answer(kind, body, whole),
            Some(_) => match self.active {
                Some(id) => self.take_answer(id, kind, body, whole),
                None => self.break_off("an answer for nobody".to_owned()),
            },
        }
    }

    fn parameter_changed(&mut self, body: &[u8]) {
        let mut body = Body(body);
        if let (Some(name), Some(value)) = (body.text(), body.text()) {
            self.backend.reported.insert(name.into(), value.into());
            self.backend.revision += 1;
        }
    }

    fn take_notice(&mut self, body: &[u8], whole: &[u8]) {
        let is_own = matches!(self.backend.answers.front(), None | Some(Expected::Own(_)));
        let Some(id) = self.active else { return };
        if error_field(body, b'C') == Some(NOTIFY_SQLSTATE) {
            let field = |kind| error_field(body, kind).unwrap_or_default().to_owned();
            let note = (field(b'M'), field(b'D'));
            self.pending(id).notes.push(note);
        } else if !is_own {
            self.forward(id, whole);
        }
    }

    pub(super) fn forward(&mut self, id: ClientId, whole: &[u8]) {
        let client = self.client(id);
        if !client.gets_nothing() {
            client.out.extend_from_slice(whole);
        }
    }

    fn take_answer(&mut self, id: ClientId, kind: MessageKind, body: &[u8], whole: &[u8]) {
        match self.backend.answers.front() {
            Some(Expected::Local(_) | Expected::Renamed(_)) => {
                self.send_local();
                self.take_message(kind, body, whole);
            }
            _ if kind == b'E' => self.take_error(id, body, whole),
            Some(Expected::Simple(_)) => self.take_simple(id, kind, body, whole),
            Some(Expected::Execute(_)) => self.take_execution(id, kind, body, whole),
            Some(Expected::Sync) if kind == b'Z' => {
                self.backend.answers.pop();
                self.ready(id, body);
                self.send_local();
            }
            _ => self.take_preparation(id, kind, whole),
        }
    }

    /// A part of the answer to a simple query.
    fn take_simple(&mut self, id: ClientId, kind: MessageKind, body: &[u8], whole: &[u8]) {
        let is_observed = self.is_observed();
        let Some(Expected::Simple(execution)) = self.backend.answers.front_mut() else {
            return;
        };
        match kind {
            b'Z' => {
                self.backend.answers.pop();
                self.ready(id, body);
                self.send_local();
            }
            b'C' => {
                let done = complete(execution, body, is_observed);
                let is_whole = execution.done >= execution.infos.len();
                self.completed(id, body, done);
                self.release_held(id);
                // The error of a commit that fails takes the place of the tag.
                let checks =
                    self.deferred.is_some() && self.unit(id).must_check && self.unit(id).hidden;
                if is_whole && (self.unit(id).checking.is_some() || checks) {
                    self.unit(id).held = whole.to_vec();
                } else {
                    self.forward(id, whole);
                }
            }
            _ => {
                if kind == b'D' && is_observed {
                    collect(execution, body);
                }
                self.unit(id).copying |= kind == b'G';
                self.forward(id, whole);
            }
        }
    }

    /// A part of the answer to an Execute.
    fn take_execution(&mut self, id: ClientId, kind: MessageKind, body: &[u8], whole: &[u8]) {
        let is_observed = self.is_observed();
        let Some(Expected::Execute(execution)) = self.backend.answers.front_mut() else {
            return;
        };
        let mut done = None;
        match kind {
            b'C' => done = complete(execution, body, is_observed),
            b'D' if is_observed => collect(execution, body),
            _ => {}
        }
        self.forward(id, whole);
        self.unit(id).awaits_copy &= !matches!(kind, b'C' | b'G' | b'I' | b's');
        match kind {
            b'C' | b'I' | b's' => {
                let popped = self.backend.answers.pop();
                if kind == b'C' {
                    self.completed(id, body, done);
                }
                self.record_execution(id, popped, None);
                self.send_local();
            }
            b'G' => self.unit(id).copying = true,
            _ => {}
        }
    }

    /// The answer to what executes nothing: a Parse, a Describe, a Bind, a Close.
    fn take_preparation(&mut self, id: ClientId, kind: MessageKind, whole: &[u8]) {
        match self.backend.answers.front() {
            Some(Expected::Reparse(prepared)) => {
                prepared.state.set(BackendState::Known);
                self.backend.answers.pop();
                self.send_local();
            }
            Some(Expected::Parse(prepared)) => {
                if kind == b'1' {
                    prepared.state.set(BackendState::Known);
                }
                self.answered(id, whole);
            }
            Some(Expected::Describe(prepared)) => {
                let prepared = prepared.clone();
                self.take_description(id, prepared, kind, whole);
            }
            Some(Expected::Bind | Expected::Close) => self.answered(id, whole),
            _ => self.forward(id, whole),
        }
    }

    pub(super) fn answered(&mut self, id: ClientId, whole: &[u8]) {
        self.forward(id, whole);
        self.backend.answers.pop();
        self.send_local();
    }

    /// Says what the proxy answers itself, if it is its turn.
    pub(super) fn send_local(&mut self) {
        let Some(id) = self.active else { return };
        let mut out = Vec::new();
        while self.backend.answers.pop_local(&mut out) {}
        if !out.is_empty() {
            self.forward(id, &out);
        }
    }

    /// The backend is in a transaction, or something has ended it.
    fn ready(&mut self, id: ClientId, status: &[u8]) {
        if status == b"I" {
            self.escaped();
        } else if status == b"E" {
            self.unit(id).backend_failed = true;
        }
    }

    pub(super) fn escaped(&mut self) {
        self.break_off("the test's transaction has ended too early".to_owned());
    }
}

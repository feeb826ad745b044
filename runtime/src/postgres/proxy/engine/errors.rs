//! An error that the backend answers with: what the client gets, and what it ends.

use std::rc::Rc;

use super::{
    Engine,
    limits::{at_the_clients_position, in_the_clients_names, with_way_out},
};
use crate::{
    observe::recording::ServerError,
    postgres::{
        proxy::{
            api::ClientId, expected::Expected, protocol::error_field, statements::BackendState,
        },
        sqlstate,
    },
};

impl Engine {
    pub(super) fn take_error(&mut self, id: ClientId, body: &[u8], whole: &[u8]) {
        self.release_held(id);
        let changed = with_way_out(self.is_limit(id, body), body);
        let changed = changed.or_else(|| in_the_clients_names(id, body));
        match changed.or_else(|| at_the_clients_position(self.backend.answers.front(), body)) {
            Some(message) => self.forward(id, &message),
            None => self.forward(id, whole),
        }
        let code = error_field(body, b'C').unwrap_or_default();
        let message = error_field(body, b'M').unwrap_or_default();
        let is_stale = message.starts_with("cached plan must not")
            || code == sqlstate::INVALID_SQL_STATEMENT_NAME;
        self.find_in_error(id, code, body);
        let unit = self.unit(id);
        unit.failed = true;
        unit.copying = false;
        unit.awaits_copy = false;
        unit.backend_failed = true;
        unit.changed_schema |= is_stale;
        unit.error = Some(server_error(body));
        self.backend.answers.described.clear();
        self.skip_to_sync(id, body);
    }

    /// In the extended protocol, the server skips what comes until the Sync: one statement has
    /// failed, and the others are not executed.
    fn skip_to_sync(&mut self, id: ClientId, body: &[u8]) {
        let mut renamed = Vec::new();
        let mut is_recorded = false;
        while let Some(expected) = self.backend.answers.front() {
            match expected {
                Expected::Sync | Expected::Simple(_) => break,
                Expected::Parse(prepared) | Expected::Reparse(prepared) => {
                    let failed = Rc::clone(prepared);
                    failed.state.set(BackendState::New);
                    let statements = &mut self.client(id).statements;
                    statements.retain(|_, statement| !Rc::ptr_eq(statement, &failed));
                    self.backend.answers.pop();
                    if !std::mem::replace(&mut is_recorded, true) {
                        self.record_unprepared(id, &failed.sql);
                    }
                }
                Expected::Execute(_) => {
                    let popped = self.backend.answers.pop();
                    if !std::mem::replace(&mut is_recorded, true) {
                        self.record_execution(id, popped, Some(body));
                    }
                }
                _ => {
                    if let Some(Expected::Renamed(old)) = self.backend.answers.pop() {
                        renamed.push(*old);
                    }
                }
            }
        }
        for (name, old) in renamed.into_iter().rev() {
            let statements = &mut self.client(id).statements;
            match old {
                Some(old) => drop(statements.insert(name, old)),
                None => drop(statements.remove(&name)),
            }
        }
    }
}

pub(super) fn server_error(body: &[u8]) -> ServerError {
    let field = |kind| error_field(body, kind).map(str::to_owned);
    ServerError {
        code: field(b'C').unwrap_or_default(),
        message: field(b'M').unwrap_or_default(),
        detail: field(b'D'),
    }
}

pub(super) fn describe(body: &[u8]) -> String {
    let field = |kind| error_field(body, kind).unwrap_or_default();
    format!("{} ({})", field(b'M'), field(b'C'))
}

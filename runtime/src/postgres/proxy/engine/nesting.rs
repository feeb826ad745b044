//! Savepoints of a client.

use std::sync::Arc;

use super::Engine;
use crate::postgres::{
    proxy::{api::ClientId, savepoints::SavepointKind},
    sqlstate,
};

impl Engine {
    pub(super) fn set_savepoint(&mut self, id: ClientId, name: &str) {
        if !self.needs_transaction(id, "SAVEPOINT") {
            return;
        }
        self.release_hidden(id);
        self.enter_transaction(id);
        self.push(id, SavepointKind::Named(name.to_owned()));
        self.send_tag(id, "SAVEPOINT");
    }

    pub(super) fn release_savepoint(&mut self, id: ClientId, name: &str) {
        if !self.needs_transaction(id, "RELEASE SAVEPOINT") {
            return;
        }
        self.release_hidden(id);
        let Some(at) = self.stack.named(id, name) else {
            return self.no_savepoint(id, name);
        };
        self.give_up(at);
        self.send_tag(id, "RELEASE");
    }

    pub(super) fn rollback_to(&mut self, id: ClientId, name: &str) {
        if !self.needs_transaction(id, "ROLLBACK TO SAVEPOINT") {
            return;
        }
        self.release_hidden(id);
        let Some(at) = self.stack.named(id, name) else {
            return self.no_savepoint(id, name);
        };
        self.back_to(at, &Arc::from(format!("rollback to {name}")));
        if let Some(open) = &mut self.client(id).transaction {
            open.failed = false;
        }
        self.send_tag(id, "ROLLBACK");
    }

    pub(super) fn needs_transaction(&mut self, id: ClientId, what: &str) -> bool {
        let is_open = self.client(id).transaction.is_some();
        if !is_open {
            let text = format!("{what} can only be used in transaction blocks");
            self.fail(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, &text);
        }
        is_open
    }

    pub(super) fn no_savepoint(&mut self, id: ClientId, name: &str) {
        let text = format!("savepoint \"{name}\" does not exist");
        self.fail(id, sqlstate::INVALID_SAVEPOINT_SPECIFICATION, &text);
    }
}

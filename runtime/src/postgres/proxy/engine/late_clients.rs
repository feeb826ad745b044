//! The clients of a test that ends: what becomes of what they have open.

use super::{Engine, Stage, leave::deallocate, schedule::LATE};
use crate::postgres::proxy::{
    expected::{Expected, Own},
    protocol::query,
};

impl Engine {
    /// Clients of the test get nothing more, and their requests are refused.
    pub(super) fn settle_clients(&mut self) {
        let mut leftover = Vec::new();
        let now = self.now;
        for (id, client) in self.clients.iter_mut() {
            if client.stage == Stage::Open {
                let is_cut_off = client.unit.is_some();
                client.stage = Stage::Late(is_cut_off.then(|| now + LATE));
            }
            client.unit = None;
            client.transaction = None;
            client.waiting = None;
            client.statements.clear();
            client.portals.clear();
            client.temporaries.clear();
            client.made_temporary = false;
            leftover.extend(
                client
                    .sql_prepared
                    .iter()
                    .map(|name| format!("v{id}_{name}")),
            );
            client.sql_prepared.clear();
        }
        self.backend.prefix.clear();
        if !leftover.is_empty() {
            let sql = deallocate(&leftover);
            query(
                &mut self.backend.out,
                &format!(
                    "rollback to savepoint db_test_base_{};{sql}",
                    self.test_count
                ),
            );
            self.backend.answers.push(Expected::Own(Own::Prefix));
        }
        self.stack.clear();
    }

    /// Undoes open transactions, so that the rest can be committed.
    pub(super) fn roll_back_clients(&mut self) {
        let ids = self.clients.range();
        for id in ids {
            self.undo_transaction(id, &"the end of the test".into());
        }
        let prefix = std::mem::take(&mut self.backend.prefix);
        self.settle_clients_keeping(prefix);
    }

    fn settle_clients_keeping(&mut self, prefix: String) {
        for client in self
            .clients
            .iter_mut()
            .map(|(_, client)| client)
            .filter(|client| client.stage == Stage::Open)
        {
            client.stage = Stage::Late(None);
            client.unit = None;
            client.waiting = None;
        }
        self.backend.prefix = prefix;
    }
}

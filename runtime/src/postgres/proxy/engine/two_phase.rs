//! Prepared transactions, of which the server has none.

use std::sync::Arc;

use super::{Engine, transaction::NO_TRANSACTION};
use crate::postgres::{proxy::api::ClientId, sqlstate};

impl Engine {
    /// As on a server with `max_prepared_transactions = 0`, which is the default.
    pub(super) fn prepare_transaction(&mut self, id: ClientId) {
        let why = Arc::from("prepare transaction");
        match self.client(id).transaction.as_ref().map(|open| open.failed) {
            None if self.unit(id).is_block() => {
                self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, NO_TRANSACTION);
                self.undo_hidden(id, &why);
                self.fail_prepare(id);
            }
            None => {
                let ran = self.unit(id).ran;
                self.release_hidden(id);
                self.committed(id, ran);
                self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, NO_TRANSACTION);
                self.send_tag(id, "ROLLBACK");
            }
            Some(true) => {
                self.undo_transaction(id, &why);
                self.send_tag(id, "ROLLBACK");
            }
            Some(false) => {
                self.undo_transaction(id, &why);
                self.fail_prepare(id);
            }
        }
    }

    pub(super) fn fail_prepare(&mut self, id: ClientId) {
        let hint = "Set max_prepared_transactions to a nonzero value.";
        let text = "prepared transactions are disabled";
        self.fail_with_hint(
            id,
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            text,
            Some(hint),
        );
    }

    pub(super) fn finish_prepared(&mut self, id: ClientId, what: &str, name: &str) {
        if self.is_in_block(id) {
            let text = self.block_refusal(id, what);
            return self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, &text);
        }
        let text = format!("prepared transaction with identifier \"{name}\" does not exist");
        self.fail(id, sqlstate::UNDEFINED_OBJECT, &text);
    }
}

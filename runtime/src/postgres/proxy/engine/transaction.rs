//! Transaction control, as a client sends it: its answer, and what it means on the stack.

use std::sync::Arc;

use super::{
    Engine,
    modes::{LATE_LEVEL, LATE_WRITE},
    schedule::Flow,
    stack::READ_ONLY,
};
use crate::postgres::{
    proxy::{
        api::ClientId,
        client::{Check, UnitKind},
        control::{Control, Modes},
        expected::{Expected, Own},
        protocol::query,
        savepoints::SavepointKind,
    },
    sqlstate,
};

pub(super) const NO_TRANSACTION: &str = "there is no transaction in progress";

impl Engine {
    /// Answers a control statement, as soon as it may be.
    pub(super) fn control(&mut self, id: ClientId, control: &Control) -> Flow {
        let is_open = self.client(id).transaction.is_some();
        let has_failed = self.client(id).has_failed();
        if has_failed && !control.ends_failure() {
            self.record_control(id, Some((sqlstate::IN_FAILED_SQL_TRANSACTION, "")));
            self.pass_control(id);
            self.fail_in_failed(id);
            return Flow::Go;
        }
        if matches!(control, Control::Commit { .. })
            && is_open
            && !has_failed
            && self.is_faulted(id, None)
        {
            return Flow::Go;
        }
        if self.ends_without_backend(id, control) {
            self.record_control(id, None);
            self.pass_control(id);
            self.roll_back_later(id);
            self.send_tag(id, "ROLLBACK");
            return Flow::Go;
        }
        if self.touches_stack(id, control) && !self.acquire_for_control(id, control) {
            return Flow::Wait;
        }
        if let Control::Commit { chain } = control
            && is_open
            && !has_failed
            && self.must_check(id)
        {
            self.pass_control(id);
            self.release_hidden(id);
            self.send_prefix(Own::Prefix);
            query(&mut self.backend.out, "set constraints all immediate");
            self.backend.answers.push(Expected::Own(Own::Check));
            self.unit(id).checking = Some(Check::Commit { chain: *chain });
            return Flow::Wait;
        }
        if let Control::Vacuum(tables) = control
            && self.looks_for_tables(id, tables)
        {
            return self.look_for_tables(id, tables);
        }
        if matches!(control, Control::Commit { chain: false }) && !is_open && self.checks_early(id)
        {
            return Flow::Wait;
        }
        self.record_control(id, None);
        self.pass_control(id);
        match control {
            Control::Begin { modes, tag } => self.begin(id, modes, tag),
            Control::Commit { chain } => self.commit(id, *chain),
            Control::Rollback { chain } => self.rollback(id, *chain),
            Control::Savepoint(name) => self.set_savepoint(id, name),
            Control::Release(name) => self.release_savepoint(id, name),
            Control::RollbackTo(name) => self.rollback_to(id, name),
            Control::PrepareTransaction => self.prepare_transaction(id),
            Control::FinishPrepared { what, name } => self.finish_prepared(id, what, name),
            Control::SetTransaction(modes, what) => self.set_transaction(id, modes, *what),
            other => self.session_control(id, other),
        }
        Flow::Go
    }

    /// Whether the backend's savepoints have a part in it.
    fn touches_stack(&mut self, id: ClientId, control: &Control) -> bool {
        let client = self.client(id);
        let entered = client.transaction.as_ref().is_some_and(|open| open.entered);
        let hidden = client.unit.as_ref().is_some_and(|unit| unit.hidden);
        match control {
            Control::Savepoint(_) => client.transaction.is_some(),
            Control::Commit { .. } | Control::Rollback { .. } | Control::PrepareTransaction => {
                entered || hidden
            }
            Control::Release(_) | Control::RollbackTo(_) | Control::SetTransaction(..) => entered,
            Control::Begin { .. } => hidden || entered,
            Control::DiscardAll => true,
            Control::Vacuum(tables) => self.looks_for_tables(id, tables),
            _ => false,
        }
    }

    fn acquire_for_control(&mut self, id: ClientId, control: &Control) -> bool {
        if matches!(control, Control::Savepoint(_) | Control::Vacuum(_)) {
            self.acquire(id)
        } else {
            self.acquire_for_end(id)
        }
    }

    /// Checks deferred constraints of an implicit transaction that a `COMMIT` ends early.
    fn checks_early(&mut self, id: ClientId) -> bool {
        if self.deferred.is_none() || !self.unit(id).hidden {
            return false;
        }
        self.record_control(id, None);
        self.pass_control(id);
        self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, NO_TRANSACTION);
        query(&mut self.backend.out, "set constraints all immediate");
        self.backend.answers.push(Expected::Own(Own::Check));
        self.unit(id).checking = Some(Check::Early);
        true
    }

    /// The constraints hold, so the implicit transaction is committed.
    pub(super) fn commit_early(&mut self, id: ClientId) {
        let ran = self.unit(id).ran;
        self.release_hidden(id);
        self.client(id).portals.clear();
        self.committed(id, ran);
        self.send_tag(id, "COMMIT");
    }

    fn must_check(&mut self, id: ClientId) -> bool {
        let can_be_deferred = self.deferred.is_some();
        let open = self.client(id).transaction.as_ref();
        can_be_deferred && open.is_some_and(|open| open.entered)
    }

    /// The statement is done with.
    pub(super) fn pass_control(&mut self, id: ClientId) {
        if matches!(self.unit(id).kind, UnitKind::Extended { .. }) {
            self.client(id).passed_control = true;
        } else {
            self.pass_step(id);
        }
    }

    fn begin(&mut self, id: ClientId, modes: &Modes, tag: &str) {
        if self.client(id).transaction.is_some() {
            let text = "there is already a transaction in progress";
            self.warn(id, sqlstate::ACTIVE_SQL_TRANSACTION, text);
            if self.apply_modes(id, modes) {
                self.send_tag(id, tag);
            }
            return;
        }
        let (hidden, queried) = (self.unit(id).hidden, self.unit(id).queried);
        let (level, reads_only) = self.unit_modes(id);
        if queried && modes.level.as_ref().is_some_and(|asked| *asked != level) {
            return self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, LATE_LEVEL);
        }
        if queried && reads_only && modes.read_only == Some(false) {
            return self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, LATE_WRITE);
        }
        let now = self.now;
        self.client(id).begin(modes, &level, reads_only, now);
        if hidden {
            // What came before in the same unit belongs to the transaction.
            let unit = self.unit(id);
            (unit.hidden, unit.entered) = (false, false);
            if let Some(top) = self.stack.top_mut() {
                top.kind = SavepointKind::Transaction;
            }
            if let Some(open) = &mut self.client(id).transaction {
                (open.entered, open.queried) = (true, queried);
                if open.read_only {
                    self.backend.prefix.push_str(READ_ONLY);
                }
            }
        }
        self.send_tag(id, tag);
    }

    /// Commits; deferred constraints have been checked.
    pub(super) fn commit(&mut self, id: ClientId, chain: bool) {
        let Some(open) = &self.client(id).transaction else {
            if chain {
                let text = "COMMIT AND CHAIN can only be used in transaction blocks";
                return self.fail(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, text);
            }
            // It ends the implicit transaction of what came before in the same unit.
            let ran = self.unit(id).ran;
            self.release_hidden(id);
            self.client(id).portals.clear();
            self.committed(id, ran);
            self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, NO_TRANSACTION);
            return self.send_tag(id, "COMMIT");
        };
        let modes = chain.then(|| chained(open));
        if open.failed {
            self.undo_transaction(id, &Arc::from("commit"));
            self.chain(id, modes);
            return self.send_tag(id, "ROLLBACK");
        }
        let ran = open.queried;
        self.release_hidden(id);
        self.client(id).transaction = None;
        self.client(id).portals.clear();
        if let Some(at) = self.stack.transaction(id) {
            self.give_up(at);
        }
        self.journal.committed(id);
        self.committed(id, ran);
        self.chain(id, modes);
        self.send_tag(id, "COMMIT");
    }

    fn rollback(&mut self, id: ClientId, chain: bool) {
        let why = Arc::from("rollback");
        let Some(open) = &self.client(id).transaction else {
            if chain {
                let text = "ROLLBACK AND CHAIN can only be used in transaction blocks";
                return self.fail(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, text);
            }
            self.undo_hidden(id, &why);
            self.client(id).portals.clear();
            self.forget_pending(id);
            self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, NO_TRANSACTION);
            return self.send_tag(id, "ROLLBACK");
        };
        let modes = chain.then(|| chained(open));
        self.undo_transaction(id, &why);
        self.chain(id, modes);
        self.send_tag(id, "ROLLBACK");
    }

    /// The next transaction begins at once, with the modes of the last one.
    fn chain(&mut self, id: ClientId, modes: Option<Modes>) {
        if let Some(modes) = modes {
            let (level, reads_only) = self.default_modes(id);
            let now = self.now;
            self.client(id).begin(&modes, &level, reads_only, now);
            if let Some(open) = &mut self.client(id).transaction {
                open.chained = true;
            }
        }
    }

    /// Undoes the open transaction.
    pub(super) fn undo_transaction(&mut self, id: ClientId, why: &Arc<str>) {
        if self.client(id).unit.is_some() {
            self.release_hidden(id);
        }
        self.client(id).transaction = None;
        self.client(id).portals.clear();
        if let Some(at) = self.stack.transaction(id) {
            self.back_to(at, why);
            self.give_up(at);
        }
        self.advisory_locks.transaction_ended(id);
        self.forget_pending(id);
    }

    pub(super) fn is_in_block(&mut self, id: ClientId) -> bool {
        self.client(id).transaction.is_some() || self.unit(id).is_block() || self.unit(id).piped
    }
}

/// The modes of the next transaction; a failure has forgotten them.
fn chained(open: &super::super::client::Transaction) -> Modes {
    if open.failed && !open.chained {
        return Modes::default();
    }
    Modes {
        read_only: Some(open.read_only),
        level: Some(open.level.clone()),
    }
}

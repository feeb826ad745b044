//! Transaction control, as a client sends it: what it hears, and what it means on the stack.

use std::{rc::Rc, sync::Arc};

use super::{Engine, schedule::Flow, stack::READ_ONLY};
use crate::postgres::{
    proxy::{
        api::ClientId,
        client::{Check, UnitKind},
        control::{Control, Modes},
        expected::{Expected, Own},
        protocol::{message, query},
        savepoints::Kind,
        settings::Value,
    },
    sqlstate,
};

const LATE_LEVEL: &str = "SET TRANSACTION ISOLATION LEVEL must be called before any query";
const NO_TRANSACTION: &str = "there is no transaction in progress";
const NESTED_LEVEL: &str = "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction";

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
            Control::SetTransaction(modes) => self.set_transaction(id, modes),
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
            Control::Release(_) | Control::RollbackTo(_) | Control::SetTransaction(_) => entered,
            Control::Begin { .. } => hidden || entered,
            Control::DiscardAll => true,
            _ => false,
        }
    }

    fn acquire_for_control(&mut self, id: ClientId, control: &Control) -> bool {
        if matches!(control, Control::Savepoint(_)) {
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
        self.committed(id, ran);
        self.tell_tag(id, "COMMIT");
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

    /// What a transaction is that says nothing of itself.
    fn default_modes(&mut self, id: ClientId) -> (String, bool) {
        let client = self.client(id);
        let level = match client.effective.get("default_transaction_isolation") {
            Some(Value::Sql(sql)) => ["serializable", "repeatable read", "read uncommitted"]
                .into_iter()
                .find(|level| sql.to_ascii_lowercase().contains(level)),
            _ => None,
        };
        let reads_only = client.is_on("default_transaction_read_only");
        (level.unwrap_or("read committed").to_owned(), reads_only)
    }

    fn begin(&mut self, id: ClientId, modes: &Modes, tag: &str) {
        if self.client(id).transaction.is_some() {
            let text = "there is already a transaction in progress";
            self.warn(id, sqlstate::ACTIVE_SQL_TRANSACTION, text);
            if self.apply_modes(id, modes) {
                self.tell_tag(id, tag);
            }
            return;
        }
        let (hidden, queried) = (self.unit(id).hidden, self.unit(id).queried);
        let (level, reads_only) = self.unit_modes(id);
        if queried && modes.level.as_ref().is_some_and(|asked| *asked != level) {
            return self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, LATE_LEVEL);
        }
        self.client(id).begin(modes, &level, reads_only);
        if hidden {
            // What came before in the same unit belongs to the transaction.
            let unit = self.unit(id);
            (unit.hidden, unit.entered) = (false, false);
            if let Some(top) = self.stack.top_mut() {
                top.kind = Kind::Transaction;
            }
            if let Some(open) = &mut self.client(id).transaction {
                (open.entered, open.queried) = (true, queried);
                if open.read_only {
                    self.backend.prefix.push_str(READ_ONLY);
                }
            }
        }
        self.tell_tag(id, tag);
    }

    /// Changes the modes of the open transaction; false if that failed.
    fn apply_modes(&mut self, id: ClientId, modes: &Modes) -> bool {
        let is_named = |savepoint: &super::super::savepoints::Savepoint| {
            savepoint.owner == id && !savepoint.is_over && matches!(savepoint.kind, Kind::Named(_))
        };
        let is_nested = self.stack.iter().any(is_named);
        let Some(open) = &mut self.client(id).transaction else {
            return true;
        };
        let (queried, entered) = (open.queried, open.entered);
        if let Some(level) = &modes.level
            && open.level != *level
        {
            if queried || is_nested {
                let text = if queried { LATE_LEVEL } else { NESTED_LEVEL };
                self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, text);
                return false;
            }
            open.level.clone_from(level);
        }
        match modes.read_only {
            Some(false) if open.read_only && queried => {
                let text = "transaction read-write mode must be set before any query";
                self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, text);
                return false;
            }
            Some(true) if !open.read_only => {
                open.read_only = true;
                if entered {
                    self.backend.prefix.push_str(READ_ONLY);
                    self.unit(id).entered = false;
                }
            }
            Some(read_only) if !queried => open.read_only = read_only,
            _ => {}
        }
        true
    }

    fn set_transaction(&mut self, id: ClientId, modes: &Modes) {
        self.unit(id).piped = true;
        if self.client(id).transaction.is_none() {
            if !self.unit(id).is_block() {
                let text = "SET TRANSACTION can only be used in transaction blocks";
                self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, text);
            }
            if !self.apply_unit_modes(id, modes) {
                return;
            }
        } else if !self.apply_modes(id, modes) {
            return;
        }
        self.tell_tag(id, "SET");
    }

    /// The modes of the implicit transaction of a unit.
    fn unit_modes(&mut self, id: ClientId) -> (String, bool) {
        let (level, reads_only) = self.default_modes(id);
        let modes = &self.unit(id).modes;
        (
            modes.level.clone().unwrap_or(level),
            modes.read_only.unwrap_or(reads_only),
        )
    }

    /// Changes the modes of the implicit transaction; false if that failed.
    fn apply_unit_modes(&mut self, id: ClientId, modes: &Modes) -> bool {
        let (level, reads_only) = self.unit_modes(id);
        let unit = self.unit(id);
        if unit.queried && modes.level.as_ref().is_some_and(|asked| *asked != level) {
            self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, LATE_LEVEL);
            return false;
        }
        if unit.queried && reads_only && modes.read_only == Some(false) {
            let text = "transaction read-write mode must be set before any query";
            self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, text);
            return false;
        }
        if modes.level.is_some() {
            unit.modes.level.clone_from(&modes.level);
        }
        if modes.read_only.is_some() {
            unit.modes.read_only = modes.read_only;
            if unit.hidden && modes.read_only == Some(true) {
                unit.entered = false;
                self.backend.prefix.push_str(READ_ONLY);
            }
        }
        true
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
            self.committed(id, ran);
            self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, NO_TRANSACTION);
            return self.tell_tag(id, "COMMIT");
        };
        let modes = chain.then(|| chained(open));
        if open.failed {
            self.undo_transaction(id, &Arc::from("commit"));
            self.chain(id, modes);
            return self.tell_tag(id, "ROLLBACK");
        }
        let ran = open.queried;
        self.release_hidden(id);
        self.client(id).transaction = None;
        if let Some(at) = self.stack.transaction(id) {
            self.give_up(at);
        }
        self.journal.committed(id);
        self.committed(id, ran);
        self.chain(id, modes);
        self.tell_tag(id, "COMMIT");
    }

    fn rollback(&mut self, id: ClientId, chain: bool) {
        let why = Arc::from("rollback");
        let Some(open) = &self.client(id).transaction else {
            if chain {
                let text = "ROLLBACK AND CHAIN can only be used in transaction blocks";
                return self.fail(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, text);
            }
            self.undo_hidden(id, &why);
            self.forget_pending(id);
            self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, NO_TRANSACTION);
            return self.tell_tag(id, "ROLLBACK");
        };
        let modes = chain.then(|| chained(open));
        self.undo_transaction(id, &why);
        self.chain(id, modes);
        self.tell_tag(id, "ROLLBACK");
    }

    /// The next transaction begins at once, with the modes of the last one.
    fn chain(&mut self, id: ClientId, modes: Option<Modes>) {
        if let Some(modes) = modes {
            let (level, reads_only) = self.default_modes(id);
            self.client(id).begin(&modes, &level, reads_only);
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
        if let Some(at) = self.stack.transaction(id) {
            self.back_to(at, why);
            self.give_up(at);
        }
        self.forget_pending(id);
    }

    fn set_savepoint(&mut self, id: ClientId, name: &str) {
        if !self.needs_transaction(id, "SAVEPOINT") {
            return;
        }
        self.release_hidden(id);
        self.enter_transaction(id);
        self.push(id, Kind::Named(name.to_owned()));
        self.tell_tag(id, "SAVEPOINT");
    }

    fn release_savepoint(&mut self, id: ClientId, name: &str) {
        if !self.needs_transaction(id, "RELEASE SAVEPOINT") {
            return;
        }
        self.release_hidden(id);
        let Some(at) = self.stack.named(id, name) else {
            return self.no_savepoint(id, name);
        };
        self.give_up(at);
        self.tell_tag(id, "RELEASE");
    }

    fn rollback_to(&mut self, id: ClientId, name: &str) {
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
        self.tell_tag(id, "ROLLBACK");
    }

    fn needs_transaction(&mut self, id: ClientId, what: &str) -> bool {
        let is_open = self.client(id).transaction.is_some();
        if !is_open {
            let text = format!("{what} can only be used in transaction blocks");
            self.fail(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, &text);
        }
        is_open
    }

    fn no_savepoint(&mut self, id: ClientId, name: &str) {
        let text = format!("savepoint \"{name}\" does not exist");
        self.fail(id, sqlstate::INVALID_SAVEPOINT_SPECIFICATION, &text);
    }

    /// As on a server with `max_prepared_transactions = 0`, which is the default.
    fn prepare_transaction(&mut self, id: ClientId) {
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
                self.tell_tag(id, "ROLLBACK");
            }
            Some(true) => {
                self.undo_transaction(id, &why);
                self.tell_tag(id, "ROLLBACK");
            }
            Some(false) => {
                self.undo_transaction(id, &why);
                self.fail_prepare(id);
            }
        }
    }

    fn fail_prepare(&mut self, id: ClientId) {
        let hint = "Set max_prepared_transactions to a nonzero value.";
        let text = "prepared transactions are disabled";
        self.fail_with_hint(
            id,
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            text,
            Some(hint),
        );
    }

    fn finish_prepared(&mut self, id: ClientId, what: &str, name: &str) {
        if self.is_in_block(id) {
            let text = self.block_refusal(id, what);
            return self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, &text);
        }
        let text = format!("prepared transaction with identifier \"{name}\" does not exist");
        self.fail(id, sqlstate::UNDEFINED_OBJECT, &text);
    }

    pub(super) fn is_in_block(&mut self, id: ClientId) -> bool {
        self.client(id).transaction.is_some() || self.unit(id).is_block() || self.unit(id).piped
    }

    /// What does not belong to transactions.
    fn session_control(&mut self, id: ClientId, control: &Control) {
        if matches!(
            control,
            Control::Listen(_)
                | Control::Unlisten(_)
                | Control::Notify { .. }
                | Control::ShowVirtual(_)
        ) {
            self.unit(id).piped = true;
        }
        match control {
            Control::Listen(channel) => {
                self.pending(id).listens.push((Some(channel.clone()), true));
                self.tell_tag(id, "LISTEN");
            }
            Control::Unlisten(channel) => {
                self.pending(id).listens.push((channel.clone(), false));
                self.tell_tag(id, "UNLISTEN");
            }
            Control::Notify { channel, payload } => self.notify(id, channel, payload),
            Control::DiscardAll => self.discard_all(id),
            Control::DeallocateAll => {
                self.deallocate_all(id);
                self.tell_tag(id, "DEALLOCATE ALL");
            }
            Control::SetVirtual { name, value } => {
                let value = if value == "default" { "0" } else { value };
                self.client(id)
                    .virtuals
                    .insert(name.clone(), value.to_owned());
                self.tell_tag(id, "SET");
            }
            Control::ShowVirtual(name) => self.show(id, name),
            Control::NoOp(tag) if self.is_in_block(id) => {
                let text = self.block_refusal(id, tag);
                self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, &text);
            }
            Control::NoOp(tag) => {
                self.unit(id).piped = true;
                self.tell_tag(id, tag);
            }
            _ => {}
        }
    }

    fn notify(&mut self, id: ClientId, channel: &str, payload: &str) {
        if payload.len() >= 8000 {
            return self.fail(
                id,
                sqlstate::INVALID_PARAMETER_VALUE,
                "payload string too long",
            );
        }
        self.pending(id)
            .notes
            .push((channel.to_owned(), payload.to_owned()));
        self.tell_tag(id, "NOTIFY");
    }

    fn discard_all(&mut self, id: ClientId) {
        if self.is_in_block(id) {
            let text = self.block_refusal(id, "DISCARD ALL");
            return self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, &text);
        }
        self.deallocate_all(id);
        self.drop_temporaries(id);
        let client = self.client(id);
        client.portals.clear();
        client.listens.clear();
        client.virtuals.clear();
        client.session = Rc::clone(&client.startup);
        client.pending = Rc::default();
        self.settings_changed(id);
        self.tell_tag(id, "DISCARD ALL");
    }

    /// `SHOW` of what the proxy keeps.
    fn show(&mut self, id: ClientId, name: &str) {
        let is_simple = !matches!(self.unit(id).kind, UnitKind::Extended { .. });
        let (level, _) = self.unit_modes(id);
        let client = self.client(id);
        let value = if name == "transaction_isolation" {
            client
                .transaction
                .as_ref()
                .map_or(level, |open| open.level.clone())
        } else {
            time_limit(client.virtuals.get(name).map_or("0", String::as_str))
        };
        self.tell(id, |out| {
            if is_simple {
                show_description(out, name);
            }
            message(out, b'D', |out| {
                out.extend_from_slice(&[0, 1]);
                out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(0).to_be_bytes());
                out.extend_from_slice(value.as_bytes());
            });
        });
        if !is_simple && self.client(id).executing_limit == 1 {
            self.tell(id, |out| message(out, b's', |_| {}));
        } else {
            self.tell_tag(id, "SHOW");
        }
    }

    pub(super) fn pending(&mut self, id: ClientId) -> &mut super::super::client::Pending {
        Rc::make_mut(&mut self.client(id).pending)
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

/// The description of the one row of a `SHOW`: a column of type text.
pub(super) fn show_description(out: &mut Vec<u8>, name: &str) {
    message(out, b'T', |out| {
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&25_u32.to_be_bytes());
        out.extend_from_slice(&(-1_i16).to_be_bytes());
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
    });
}

/// A time limit as the server shows it.
fn time_limit(value: &str) -> String {
    match value.parse::<u64>() {
        Ok(0) | Err(_) => value.to_owned(),
        Ok(limit) if limit % 60_000 == 0 => format!("{}min", limit / 60_000),
        Ok(limit) if limit % 1000 == 0 => format!("{}s", limit / 1000),
        Ok(limit) => format!("{limit}ms"),
    }
}

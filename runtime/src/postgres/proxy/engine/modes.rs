//! The modes of transactions: their isolation level, and whether they only read.

use super::{Engine, stack::READ_ONLY};
use crate::postgres::{
    proxy::{api::ClientId, control::Modes, savepoints::SavepointKind, settings::Value},
    sqlstate,
};

pub(super) const LATE_LEVEL: &str =
    "SET TRANSACTION ISOLATION LEVEL must be called before any query";
pub(super) const LATE_WRITE: &str = "transaction read-write mode must be set before any query";
const NESTED_WRITE: &str = "cannot set transaction read-write mode inside a read-only transaction";
const NESTED_LEVEL: &str = "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction";

impl Engine {
    /// What a transaction is that says nothing of itself.
    pub(super) fn default_modes(&mut self, id: ClientId) -> (String, bool) {
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

    /// Changes the modes of the open transaction; false if that failed.
    pub(super) fn apply_modes(&mut self, id: ClientId, modes: &Modes) -> bool {
        let is_named = |savepoint: &super::super::savepoints::Savepoint| {
            savepoint.owner == id
                && !savepoint.is_over
                && matches!(savepoint.kind, SavepointKind::Named(_))
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
            Some(false) if open.read_only && (queried || is_nested) => {
                let text = if is_nested { NESTED_WRITE } else { LATE_WRITE };
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

    pub(super) fn set_transaction(
        &mut self,
        id: ClientId,
        modes: &Modes,
        what: Option<&'static str>,
    ) {
        if self.client(id).transaction.is_none() {
            if let Some(what) = what.filter(|_| !self.unit(id).is_block()) {
                let text = format!("{what} can only be used in transaction blocks");
                self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, &text);
            }
            if !self.apply_unit_modes(id, modes) {
                return;
            }
        } else if !self.apply_modes(id, modes) {
            return;
        }
        self.unit(id).piped = true;
        self.send_tag(id, "SET");
    }

    /// The modes of the implicit transaction of a unit.
    pub(super) fn unit_modes(&mut self, id: ClientId) -> (String, bool) {
        let (level, reads_only) = self.default_modes(id);
        let modes = &self.unit(id).modes;
        (
            modes.level.clone().unwrap_or(level),
            modes.read_only.unwrap_or(reads_only),
        )
    }

    /// The implicit transaction of a unit has begun with its modes; other defaults are for the next
    /// one.
    pub(super) fn fix_unit_modes(&mut self, id: ClientId) {
        let (level, reads_only) = self.unit_modes(id);
        let modes = &mut self.unit(id).modes;
        (modes.level, modes.read_only) = (Some(level), Some(reads_only));
    }

    /// Changes the modes of the implicit transaction; false if that failed.
    pub(super) fn apply_unit_modes(&mut self, id: ClientId, modes: &Modes) -> bool {
        let (level, reads_only) = self.unit_modes(id);
        let unit = self.unit(id);
        if unit.queried && modes.level.as_ref().is_some_and(|asked| *asked != level) {
            self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, LATE_LEVEL);
            return false;
        }
        if unit.queried && reads_only && modes.read_only == Some(false) {
            self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, LATE_WRITE);
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
}

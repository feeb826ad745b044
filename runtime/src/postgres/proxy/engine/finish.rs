//! The end of a unit, and what a commit brings about.

use std::{rc::Rc, sync::Arc};

use super::{Engine, schedule::Flow};
use crate::observe::recording::Parameter;
use crate::postgres::proxy::{
    api::{ClientId, Event},
    client::{Check, Delay},
    control::{Info, OnCommit, VIRTUAL},
    expected::Own,
    protocol::ready,
    settings::{self, Value, identifier, literal},
};

impl Engine {
    /// Notes what a statement that is about to be sent leaves to be done at the commit.
    pub(super) fn note(&mut self, id: ClientId, info: &Rc<Info>, parameters: &[Parameter]) {
        let lost = self.lost.drain(..).map(Event::Entanglement);
        self.events.extend(lost);
        if !info.needs_no_snapshot && !info.is_empty {
            self.unit(id).queried = true;
            if let Some(open) = &mut self.client(id).transaction {
                open.queried = true;
            }
        }
        self.note_changes(id, info, parameters);
        if let Some(temporary) = &info.temporary {
            self.pending(id).temporaries.push(temporary.clone());
        }
        if info.makes_temporary {
            self.pending(id).makes_temporary = true;
        }
        if let Some(cursor) = &info.cursor {
            self.pending(id).cursors.push(cursor.clone());
        }
        if !self.setup.notify_hook {
            for (channel, payload) in &info.notifies {
                let value = |argument: &super::super::control::Argument| match argument {
                    super::super::control::Argument::Literal(text) => Some(text.clone()),
                    super::super::control::Argument::Parameter(number) => {
                        super::settle::text(parameters, *number)
                    }
                    super::super::control::Argument::Unknown => None,
                };
                if let (Some(channel), Some(payload)) = (value(channel), value(payload)) {
                    self.pending(id).notes.push((channel, payload));
                }
            }
        }
        self.deferred_is_stale |= info.is_about_deferral;
    }

    /// Ends a unit: everything of it has been answered.
    pub(super) fn finish(&mut self, id: ClientId) -> Flow {
        if self.restores_startup(id) {
            return Flow::Wait;
        }
        if !self.unit(id).is_over {
            if self.fails_with_reported(id) && !self.acquire_for_end(id) {
                return Flow::Wait;
            }
            self.end_unit(id);
            self.unit(id).is_over = true;
            if self.restores_reported(id) {
                return Flow::Wait;
            }
        }
        self.conclude_unit(id)
    }

    /// Keeps or undoes what the unit has done.
    fn end_unit(&mut self, id: ClientId) {
        self.release_held(id);
        let unit = self.unit(id);
        let (failed, backend_failed, ran) = (unit.failed, unit.backend_failed, unit.ran);
        if std::mem::take(&mut unit.changed_schema) {
            self.schema_changed();
        }
        if failed {
            let why = self.unit_text(id);
            let names = std::mem::take(&mut self.unit(id).sql_prepared);
            for name in names {
                self.client(id).sql_prepared.remove(&name);
            }
            if self.unit(id).hidden {
                self.undo_hidden(id, &why);
            } else if (backend_failed || self.fails_with_reported(id))
                && let Some(at) = self.stack.innermost(id)
            {
                // The transaction can only end, or return to its innermost savepoint; so others can
                // go on.
                self.back_to(at, &why);
            }
            if let Some(open) = &mut self.client(id).transaction {
                open.failed = true;
            }
        } else {
            self.release_hidden(id);
        }
        if self.client(id).transaction.is_none() {
            if failed {
                self.forget_pending(id);
            } else {
                self.committed(id, ran);
            }
        }
        if self.unit(id).ends_backend && !failed {
            for name in VIRTUAL {
                let limit = settings::assignment(name, "0", false);
                if let Value::Sql(sql) = limit {
                    let name = settings::literal(name);
                    // Not every version knows each of them.
                    let sql = format!(
                        "{}where current_setting({name},true) is not null;",
                        sql.trim_end_matches(';').to_owned() + " "
                    );
                    self.backend.prefix.push_str(&sql);
                }
            }
            self.send_prefix(Own::Prefix);
        }
    }

    /// Gives the backend back, and tells the client that it may go on.
    fn conclude_unit(&mut self, id: ClientId) -> Flow {
        self.record_unit(id);
        let has_run = self.unit(id).ran || self.unit(id).undone;
        let now = self.now;
        let client = self.client(id);
        if client.transaction.is_none() {
            client.portals.clear();
        }
        let silent = client.unit.as_ref().is_some_and(|unit| unit.is_silent);
        client.unit = None;
        client.waiting = None;
        client.last_active = Some(now);
        if self.active == Some(id) {
            self.active = None;
            self.catch_up();
        }
        if has_run {
            self.report_parameters(id);
        }
        self.deliver_notified(id);
        let client = self.client(id);
        if !silent && !client.gets_nothing() && client.stage != super::Stage::Leaving {
            let status = client.status();
            ready(&mut client.out, status);
        }
        Flow::Go
    }

    /// Deferred constraints hold, or the client has the error.
    pub(super) fn checked(&mut self, id: ClientId, holds: bool) {
        let Some(check) = self.unit(id).checking.take() else {
            return;
        };
        if std::mem::take(&mut self.unit(id).changed_schema) {
            self.schema_changed();
        }
        match check {
            Check::Auto if holds && !self.unit(id).failed => {
                self.defer_again();
                self.release_held(id);
            }
            Check::Auto => self.unit(id).held.clear(),
            Check::Commit { chain } if holds => {
                self.defer_again();
                self.record_control(id, None);
                self.commit(id, chain);
            }
            Check::Early if holds => {
                self.defer_again();
                self.commit_early(id);
            }
            Check::Early => self.unit(id).failed = true,
            Check::Tables if holds => self.found_tables(id),
            Check::Tables => {}
            Check::Commit { .. } => {
                let unit = self.unit(id);
                unit.failed = true;
                unit.backend_failed = false;
                unit.delay = Delay::None;
                self.undo_transaction(id, &Arc::from("commit"));
            }
        }
    }

    pub(super) fn release_held(&mut self, id: ClientId) {
        let held = std::mem::take(&mut self.unit(id).held);
        let client = self.client(id);
        if !held.is_empty() && !client.gets_nothing() {
            client.out.extend_from_slice(&held);
        }
    }

    /// Does what is due at a commit of a transaction in which something `ran` or not.
    pub(super) fn committed(&mut self, id: ClientId, ran: bool) {
        self.advisory_locks.transaction_ended(id);
        let client = self.client(id);
        let deletes = ran
            && client
                .temporaries
                .iter()
                .any(|(_, on_commit)| *on_commit == OnCommit::DeleteRows);
        let pending = &client.pending;
        let is_plain = pending.locals.is_empty()
            && pending.notes.is_empty()
            && pending.listens.is_empty()
            && pending.temporaries.is_empty()
            && !pending.makes_temporary
            && pending.cursors.is_empty();
        if is_plain && !deletes {
            return;
        }
        let pending = std::mem::take(&mut client.pending);
        client.made_temporary |= pending.makes_temporary;
        for (channel, listens) in &pending.listens {
            match channel {
                Some(channel) if *listens => drop(client.listens.insert(channel.clone())),
                Some(channel) => drop(client.listens.remove(channel)),
                None => client.listens.clear(),
            }
        }
        if !pending.locals.is_empty() {
            self.settings_changed(id);
        }
        if !pending.temporaries.is_empty() || !pending.cursors.is_empty() || deletes {
            self.switch_to_own_role(id);
            self.end_temporaries(id, &pending.temporaries);
            self.close_cursors(&pending.cursors, false);
        }
        self.notify_all(id, &pending.notes);
    }

    /// What would have been done at the commit is not.
    pub(super) fn forget_pending(&mut self, id: ClientId) {
        self.client(id).pending = Rc::default();
        self.settings_changed(id);
    }

    fn end_temporaries(&mut self, id: ClientId, new: &[(String, OnCommit)]) {
        for (name, on_commit) in new {
            if *on_commit == OnCommit::Drop {
                let name = identifier(name);
                self.before(&format!("drop table if exists pg_temp.{name} cascade;"));
                self.unit(id).changed_schema = true;
            } else {
                self.client(id).temporaries.push((name.clone(), *on_commit));
            }
        }
        for (name, on_commit) in &self.client(id).temporaries.clone() {
            if *on_commit == OnCommit::DeleteRows {
                let name = format!("pg_temp.{}", identifier(name));
                self.before(&format!(
                    "do $db_test$ begin if to_regclass({}) is not null then truncate {name}; end if; end $db_test$;",
                    literal(&name)
                ));
            }
        }
    }

    /// Closes cursors of these names, those `WITH HOLD` or the others. Some may be closed by now.
    pub(super) fn close_cursors(&mut self, names: &[String], are_holdable: bool) {
        if names.is_empty() {
            return;
        }
        let names: Vec<_> = names.iter().map(|name| literal(name)).collect();
        self.before(&format!(
            "do $db_test$ declare n text; begin foreach n in array array[{}] loop \
             if exists (select from pg_catalog.pg_cursors where name = n and is_holdable = {are_holdable}) then \
             execute pg_catalog.format('close %I', n); end if; end loop; end $db_test$;",
            names.join(",")
        ));
    }
}

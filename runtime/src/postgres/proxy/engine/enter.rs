//! Setting the backend up for a client, with one query in front of what the client asks.

use std::rc::Rc;

use super::{Engine, stack::READ_ONLY};
use crate::postgres::proxy::{
    api::ClientId,
    client::UnitKind,
    expected::{Expected, Own},
    moving_clock,
    protocol::{execute_unnamed, query},
    savepoints::SavepointKind,
    settings,
};

/// Asked once of a backend: the statement that defers constraints again, or nothing if none can be
/// deferred.
const DEFERRED: &str = "select 'set constraints ' || string_agg(format('%I.%I', n.nspname, c.conname), ',') \
    filter (where c.condeferred) || ' deferred;', count(*) from pg_catalog.pg_constraint c \
    join pg_catalog.pg_namespace n on n.oid = c.connamespace where c.condeferrable";

/// The tables with foreign keys and those that these lead to, by the names that statements use.
const REFERENCES: &str = "select a.relname, b.relname from pg_catalog.pg_constraint c \
    join pg_catalog.pg_class a on a.oid = c.conrelid join pg_catalog.pg_class b on b.oid = c.confrelid \
    where c.contype = 'f'";

impl Engine {
    /// Sets the backend up for a client that has acquired it.
    pub(super) fn enter(&mut self, id: ClientId) {
        if self.unit(id).entered {
            return;
        }
        let unit = self.unit(id);
        unit.entered = true;
        unit.ran = true;
        let has_hidden = unit.hidden;
        self.open();
        self.switch_to(id);
        let client = self.client(id);
        let is_idle = client.transaction.is_none();
        let by_default = client.is_on("default_transaction_read_only");
        let reads_only = is_idle && self.unit(id).modes.read_only.unwrap_or(by_default);
        self.enter_transaction(id);
        let on_top = self
            .stack
            .top()
            .is_some_and(|top| top.owner == id && !top.is_over);
        if (is_idle || !on_top) && !has_hidden {
            self.push(id, SavepointKind::Hidden);
            self.unit(id).hidden = true;
            if reads_only {
                self.backend.prefix.push_str(READ_ONLY);
            }
        }
        self.show_time(id);
        if matches!(self.unit(id).kind, UnitKind::Extended { .. }) && self.is_pipeable() {
            self.pipe_prefix();
        } else {
            self.send_prefix(Own::Prefix);
        }
    }

    /// Sets the savepoint of a transaction that the backend does not know yet.
    pub(super) fn enter_transaction(&mut self, id: ClientId) {
        let open = &mut self.client(id).transaction;
        if let Some(transaction) = open.as_mut().filter(|transaction| !transaction.entered) {
            transaction.entered = true;
            let reads_only = transaction.read_only;
            self.open();
            self.switch_to(id);
            self.push(id, SavepointKind::Transaction);
            if reads_only {
                self.backend.prefix.push_str(READ_ONLY);
            }
        }
    }

    /// Begins the test's own transaction.
    pub(super) fn open(&mut self) {
        if self.backend.is_open {
            return;
        }
        self.backend.is_open = true;
        let mut sql = String::new();
        if !self.backend.is_prepared {
            sql = format!("prepare db_test_closing as {};", self.closing());
        }
        let begin = format!("begin;savepoint db_test_base_{};", self.test_count);
        sql.push_str(&begin);
        if !self.backend.is_prepared {
            self.backend.is_prepared = true;
            sql.push_str(DEFERRED);
            query(&mut self.backend.out, &sql);
            self.backend.answers.push(Expected::Own(Own::Opening));
            return;
        }
        self.backend.prefix.insert_str(0, &sql);
    }

    /// Puts a client's settings in force.
    pub(super) fn switch_to(&mut self, id: ClientId) {
        let wanted = Rc::clone(&self.client(id).effective);
        if Rc::ptr_eq(&self.backend.applied, &wanted) {
            return;
        }
        self.ask_for_unknown(id);
        let wanted = Rc::clone(&self.client(id).effective);
        settings::difference(&mut self.backend.prefix, &self.backend.applied, &wanted);
        self.backend.applied = wanted;
    }

    /// The same without the role that a client has taken since it made what is to be dropped.
    pub(super) fn switch_to_own_role(&mut self, id: ClientId) {
        let effective = Rc::clone(&self.client(id).effective);
        let mut names = ["role", "session_authorization"].iter();
        if !names.any(|name| effective.contains_key(*name)) {
            return self.switch_to(id);
        }
        let base = Rc::clone(&self.test_settings);
        let own = std::mem::replace(&mut self.client(id).effective, base);
        self.switch_to(id);
        self.client(id).effective = own;
    }

    /// The statement that defers constraints again, after they have been checked.
    pub(super) fn defer_again(&mut self) {
        let Some(deferred) = &self.deferred else {
            return;
        };
        if self.deferred_is_stale {
            self.before(&format!(
                "do $db_test$ declare s text; begin select t into s from ({DEFERRED}) d (t, n); \
                 if s is not null then execute s; end if; end $db_test$;"
            ));
        } else {
            self.backend.prefix.push_str(deferred);
        }
    }

    /// Reads the foreign keys of a schema in which clients meet, once.
    pub(super) fn read_references(&mut self) {
        if self.backend.is_open && self.journal.expects_references(self.generation) {
            self.send_prefix(Own::Prefix);
            query(&mut self.backend.out, REFERENCES);
            self.backend.answers.push(Expected::Own(Own::References));
        }
    }

    /// Has the backend do something in front of whatever is sent next.
    pub(super) fn before(&mut self, sql: &str) {
        self.backend.prefix.push_str(sql);
    }

    /// Sets the backend's clock to that of a client.
    fn show_time(&mut self, id: ClientId) {
        let transaction = self.client(id).transaction.as_ref();
        let began = transaction.map(|transaction| transaction.began);
        if let Some(clock) = &mut self.moving_clock {
            clock.show(began, &mut self.backend.prefix);
        }
    }

    fn is_pipeable(&self) -> bool {
        const PIPEABLE: [&str; 3] = ["savepoint s", "release savepoint s", moving_clock::SET];
        let is_pipeable = |part: &str| PIPEABLE.iter().any(|start| part.starts_with(start));
        !self.deferred_is_stale && self.backend.prefix.split_terminator(';').all(is_pipeable)
    }

    /// Sends what goes in front of a client's messages without a Sync. The server answers a query
    /// of its own at once, by a write of its own, and this thread would be woken twice for one
    /// statement.
    fn pipe_prefix(&mut self) {
        let prefix = std::mem::take(&mut self.backend.prefix);
        let parts = prefix.split_terminator(';');
        for part in parts.clone() {
            execute_unnamed(&mut self.backend.out, part);
        }
        let count = parts.count();
        if count > 0 {
            self.backend.answers.push(Expected::Own(Own::Piped(count)));
        }
        self.backend.prefix = prefix;
        self.backend.prefix.clear();
    }

    pub(super) fn send_prefix(&mut self, own: Own) {
        if self.deferred_is_stale && self.backend.is_open {
            self.deferred_is_stale = false;
            // What a test has changed is undone with it; with what opens it, nothing is changed
            // yet.
            self.deferred_is_of_test |= !self.backend.prefix.starts_with("begin;");
            self.backend.prefix.push_str(DEFERRED);
            query(&mut self.backend.out, &self.backend.prefix);
            self.backend.prefix.clear();
            self.backend.answers.push(Expected::Own(Own::Opening));
            return;
        }
        if !self.backend.prefix.is_empty() {
            query(&mut self.backend.out, &self.backend.prefix);
            self.backend.prefix.clear();
            self.backend.answers.push(Expected::Own(own));
        }
    }
}

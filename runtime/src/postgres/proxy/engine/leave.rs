//! A client that leaves, and what belonged to its connection.

use std::sync::Arc;

use super::{Client, Engine, Stage, schedule::Flow};
use crate::postgres::proxy::{
    api::ClientId,
    protocol::{ErrorFields, error},
    settings::identifier,
};
use crate::postgres::sqlstate;

impl Engine {
    /// Undoes what a client has left open. Nothing of it is under way.
    pub(super) fn depart(&mut self, id: ClientId) -> Flow {
        if self.active.is_some() || self.ending.as_ref().is_some_and(|ending| ending.is_asked) {
            return Flow::Wait;
        }
        self.undo_transaction(id, &Arc::from("the end of the connection"));
        if self.test.is_some() {
            self.deallocate_all(id);
            self.close_holdable_cursors(id);
            self.drop_temporaries(id);
        }
        self.advisory_locks.session_ended(id);
        let client = self.client(id);
        client.inbox.clear();
        client.listens.clear();
        client.portals.clear();
        client.stage = Stage::Gone;
        if client.is_closed {
            client.out.clear();
        }
        Flow::Go
    }

    /// Statements prepared in SQL are the connection's own; those of the protocol are everybody's.
    pub(super) fn deallocate_all(&mut self, id: ClientId) {
        let client = self.client(id);
        // The unnamed one ends with the next one only.
        client.statements.retain(|name, _| name.is_empty());
        let names = std::mem::take(&mut client.sql_prepared);
        let names: Vec<_> = names.iter().map(|name| format!("v{id}_{name}")).collect();
        if !names.is_empty() {
            self.before(&format!("{};", deallocate(&names)));
        }
    }

    /// Cursors `WITH HOLD` end with their connection. Some may be closed by now, and another client
    /// may have the name.
    pub(super) fn close_holdable_cursors(&mut self, id: ClientId) {
        let mut names = std::mem::take(&mut self.client(id).holdable_cursors);
        let others = self.clients.iter().filter(|(other, _)| *other != id);
        let taken = others.flat_map(|(_, client)| &client.holdable_cursors);
        let taken: Vec<_> = taken.cloned().collect();
        names.retain(|name| !taken.contains(name));
        if self.backend.is_open {
            self.close_cursors(&names, true);
        }
    }

    /// Temporary tables end with their connection, and everything else that is temporary if no
    /// other client has any.
    pub(super) fn drop_temporaries(&mut self, id: ClientId) {
        let client = self.client(id);
        let names = std::mem::take(&mut client.temporaries);
        let has_others = std::mem::take(&mut client.made_temporary);
        if names.is_empty() && !has_others || !self.backend.is_open {
            return;
        }
        self.client(id).effective = std::rc::Rc::clone(&self.test_settings);
        self.switch_to(id);
        let has_temporaries = |(_, client): (ClientId, &Client)| client.has_temporaries();
        if has_others && !self.clients.iter().any(has_temporaries) {
            self.before("discard temp;");
            return self.schema_changed();
        }
        for (name, _) in names {
            let name = identifier(&name);
            self.before(&format!("drop table if exists pg_temp.{name} cascade;"));
        }
        self.schema_changed();
    }

    /// Nothing works any more: every client gets the reason.
    pub(super) fn abandon(&mut self) {
        let Some(why) = self.backend.broken.clone() else {
            return;
        };
        let code = self.backend.last_words.as_deref();
        let code = code.unwrap_or(sqlstate::ADMIN_SHUTDOWN);
        let text = format!("db-test: the connection to the server is lost: {why}");
        for client in self
            .clients
            .iter_mut()
            .map(|(_, client)| client)
            .filter(|client| client.stage != Stage::Gone)
        {
            client.unit = None;
            if !client.is_closed {
                error(&mut client.out, ErrorFields::new("FATAL", code, &text));
            }
            client.stage = Stage::Gone;
        }
        self.active = None;
        self.backend.out.clear();
        self.report_broken(why);
    }
}

/// Has the backend forget the statements of these names, of which some may never have got there:
/// the group that a Parse stood in may have failed before.
pub(super) fn deallocate(names: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = names.iter().map(|name| quoted(name.as_ref())).collect();
    format!(
        "do $db_test$declare name text; begin for name in select s.name from pg_prepared_statement() s \
         where s.name in ({}) loop execute format('deallocate %I', name); end loop; end$db_test$",
        names.join(",")
    )
}

fn quoted(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

//! Settings of which the server reports changes: what a client gets of them at the end of a
//! unit.

use std::rc::Rc;

use super::Engine;
use crate::postgres::proxy::{api::ClientId, expected::Own, protocol::parameter_status};

impl Engine {
    /// Whether the backend has the settings of a client.
    pub(super) fn is_in_force(&self, id: ClientId) -> bool {
        let client = self.clients.get(id);
        client.is_some_and(|client| Rc::ptr_eq(&self.backend.applied, &client.effective))
    }

    /// Whether a transaction fails in which settings were changed that the server reports, so that
    /// it reports them again.
    pub(super) fn fails_with_reported(&mut self, id: ClientId) -> bool {
        let client = self.client(id);
        let entered = client.transaction.as_ref().is_some_and(|open| open.entered);
        client.changed_reported && entered && self.unit(id).failed
    }

    /// Has the backend undo settings that it reports, before the client learns what they are now;
    /// says whether an answer is awaited.
    pub(super) fn restores_reported(&mut self, id: ClientId) -> bool {
        let client = self.client(id);
        let is_open = client.transaction.is_some();
        let changed = client.changed_reported;
        client.changed_reported &= is_open;
        // A `SET LOCAL` ends with a commit, too.
        let is_over = self.unit(id).undone || !self.is_in_force(id);
        if !changed || !is_over || self.active != Some(id) {
            return false;
        }
        self.switch_to(id);
        self.send_prefix(Own::Prefix);
        !self.backend.answers.is_empty()
    }

    /// Puts the client's defaults in force after a reset, before it learns what its settings are
    /// now; says whether an answer is awaited.
    pub(super) fn restores_startup(&mut self, id: ClientId) -> bool {
        let unit = self.unit(id);
        if !std::mem::take(&mut unit.resets) || unit.failed || self.active != Some(id) {
            return false;
        }
        if !self.backend.is_open {
            return false;
        }
        self.unit(id).ran = true;
        if self.is_in_force(id) {
            return false;
        }
        self.switch_to(id);
        self.send_prefix(Own::Prefix);
        !self.backend.answers.is_empty()
    }

    /// Tells a client which of the server's parameters have changed for it.
    pub(super) fn report_parameters(&mut self, id: ClientId) {
        let (reported, revision) = (&self.backend.reported, self.backend.revision);
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        if std::mem::replace(&mut client.revision, revision) == revision {
            return;
        }
        for (name, value) in reported {
            if client.reported.get(name) != Some(value) {
                if !client.gets_nothing() {
                    parameter_status(&mut client.out, name, value);
                }
                Rc::make_mut(&mut client.reported).insert(Rc::clone(name), Rc::clone(value));
            }
        }
    }
}

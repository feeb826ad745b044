//! Savepoints of clients, with what they remember.

use std::{rc::Rc, sync::Arc};

use super::Engine;
use crate::postgres::proxy::{
    api::ClientId,
    savepoints::{Savepoint, SavepointKind},
};

pub(super) const READ_ONLY: &str = "set transaction read only;";

impl Engine {
    /// Sets a savepoint for a client on top of the stack.
    pub(super) fn push(&mut self, owner: ClientId, kind: SavepointKind) {
        let number = self.stack.next_number();
        let (applied, journal, generation) = (
            Rc::clone(&self.backend.applied),
            self.journal.len(),
            self.generation,
        );
        let client = self.clients.get(owner);
        let (session, pending) = client.map_or_else(Default::default, |client| {
            (Rc::clone(&client.session), Rc::clone(&client.pending))
        });
        let savepoint = Savepoint {
            number,
            owner,
            kind,
            is_over: false,
            session,
            pending,
            applied,
            journal,
            advisory: self.advisory_locks.next_number(),
            generation,
        };
        self.stack.push(savepoint, &mut self.backend.prefix);
    }

    /// Returns to a savepoint because of a statement; it stays.
    pub(super) fn back_to(&mut self, at: usize, why: &Arc<str>) {
        let here = self.return_backend(at, why);
        if let Some(client) = self.clients.get_mut(here.owner) {
            client.session = here.session;
            client.pending = here.pending;
            if let Some(unit) = &mut client.unit {
                unit.undone = true;
            }
            self.settings_changed(here.owner);
        }
    }

    /// The same without what the client remembers.
    fn return_backend(&mut self, at: usize, why: &Arc<str>) -> Savepoint {
        let here = self.stack.back_to(at, &mut self.backend.prefix);
        self.backend.applied = Rc::clone(&here.applied);
        if let Some(clock) = &mut self.moving_clock {
            clock.forget();
        }
        if here.generation != self.generation {
            self.schema_changed();
        }
        self.advisory_locks.undone(here.owner, here.advisory);
        for finding in self.journal.undone(here.owner, here.journal, why) {
            self.lost.push(finding);
        }
        here
    }

    /// Rolls a client's transaction back, as far as that can be done without the backend.
    pub(super) fn roll_back_later(&mut self, id: ClientId) {
        let savepoint = self.stack.roll_back_later(id);
        let session = savepoint.map(|savepoint| Rc::clone(&savepoint.session));
        let client = self.client(id);
        client.transaction = None;
        client.session = session.unwrap_or_else(|| Rc::clone(&client.session));
        self.advisory_locks.transaction_ended(id);
        self.forget_pending(id);
    }

    /// Rolls back on the backend, which is free, what clients have rolled back meanwhile.
    pub(super) fn catch_up(&mut self) {
        while let Some(at) = self.stack.rolled_back() {
            self.return_backend(at, &Arc::from("rollback"));
            self.give_up(at);
        }
    }

    /// Gives a savepoint up; what was done since stays.
    pub(super) fn give_up(&mut self, at: usize) {
        self.stack.give_up(at, &mut self.backend.prefix);
        if self.stack.iter().all(|savepoint| {
            savepoint.kind == SavepointKind::Hidden
                || matches!(savepoint.kind, SavepointKind::Mark(_))
        }) {
            self.journal.clear();
            for savepoint in self.stack.iter_mut() {
                savepoint.journal = 0;
            }
        }
    }

    /// Statements are prepared anew from now on; the old ones stay, and fail as they do in
    /// production.
    pub(super) fn schema_changed(&mut self) {
        self.last_generation += 1;
        self.generation = self.last_generation;
        self.deferred_is_stale |= self.deferred.is_some();
    }

    /// The hidden savepoint of a unit, which is on top of the stack.
    fn hidden(&mut self, id: ClientId) -> Option<usize> {
        let unit = self.unit(id);
        unit.entered = false;
        unit.queried = false;
        unit.piped = false;
        unit.checked = false;
        unit.modes = super::super::control::Modes::default();
        if !std::mem::take(&mut unit.hidden) {
            return None;
        }
        self.stack.len().checked_sub(1)
    }

    /// Ends what came before a control statement in the same unit.
    pub(super) fn release_hidden(&mut self, id: ClientId) {
        if let Some(at) = self.hidden(id) {
            self.give_up(at);
        }
    }

    pub(super) fn undo_hidden(&mut self, id: ClientId, why: &Arc<str>) {
        if let Some(at) = self.hidden(id) {
            self.back_to(at, why);
            self.give_up(at);
        }
    }
}

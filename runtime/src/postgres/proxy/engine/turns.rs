//! Who gets the backend, and when.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::Engine;
use crate::postgres::proxy::api::ClientId;

/// How long a client waits in a process whose tests use connections within each other's
/// transactions.
const SHORT_WAIT: Duration = Duration::from_millis(10);

/// The longest that a busy transaction keeps others out, in multiples of the wait.
const PATIENCE: u32 = 4;

impl Engine {
    /// Gets the backend for a client, after a wait if another one's transaction is open.
    pub(super) fn acquire(&mut self, id: ClientId) -> bool {
        if self.active == Some(id) {
            return true;
        }
        let now = self.now;
        let since = *self.client(id).waiting.get_or_insert(now);
        let is_taken = self.active.is_some() || self.is_held_back;
        if is_taken || self.is_ending_asked() || self.due(id, since) > now {
            return false;
        }
        self.let_in(id, since);
        self.take(id);
        true
    }

    /// Gets the backend for the end of a client's own transaction, which waits for nobody's.
    pub(super) fn acquire_for_end(&mut self, id: ClientId) -> bool {
        let is_taken = match self.active {
            Some(active) => active != id,
            None => self.is_held_back,
        };
        if is_taken || self.is_ending_asked() {
            let now = self.now;
            self.client(id).waiting.get_or_insert(now);
            return false;
        }
        self.take(id);
        true
    }

    fn take(&mut self, id: ClientId) {
        self.active = Some(id);
        self.client(id).waiting = None;
    }

    fn is_ending_asked(&self) -> bool {
        self.ending.as_ref().is_some_and(|ending| ending.is_asked)
    }

    /// When a client that waits since then gets the backend, if it is free.
    pub(super) fn due(&self, id: ClientId, since: Instant) -> Instant {
        // First come, first served.
        let Some(holder) = self.stack.holder().filter(|holder| *holder != id) else {
            return since;
        };
        let Some(client) = self.clients.get(holder) else {
            return since;
        };
        if client
            .transaction
            .as_ref()
            .is_some_and(|open| open.guests.contains(&id))
        {
            return since;
        }
        let wait = self.wait();
        let busy = client.unit.is_some() || client.inbox.has_request();
        let progress = if busy {
            self.now
        } else {
            client.last_active.unwrap_or(since)
        };
        (since.max(progress) + wait).min(since + wait * PATIENCE)
    }

    fn wait(&self) -> Duration {
        if self.setup.nests.load(Ordering::Relaxed) {
            self.setup.wait.min(SHORT_WAIT)
        } else {
            self.setup.wait
        }
    }

    /// A client runs within somebody else's transaction from now on.
    fn let_in(&mut self, id: ClientId, since: Instant) {
        let Some(holder) = self.stack.holder().filter(|holder| *holder != id) else {
            return;
        };
        if since + self.setup.wait <= self.now {
            self.setup.nests.store(true, Ordering::Relaxed);
        }
        for (open, guest) in [(holder, id), (id, holder)] {
            if let Some(open) = &mut self.client(open).transaction {
                open.guests.insert(guest);
            }
        }
        self.read_references();
    }
}

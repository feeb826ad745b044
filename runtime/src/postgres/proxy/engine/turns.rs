//! Who gets the backend, and when.

use std::time::{Duration, Instant};

use super::Engine;
use crate::postgres::proxy::{api::ClientId, client::Transaction};

/// How long a client waits for a transaction that stands where one has stood before until another
/// connection was let in.
const SHORT_WAIT: Duration = Duration::from_millis(10);

/// The longest that a transaction that goes on keeps others out.
const PATIENCE: Duration = Duration::from_secs(1);

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
        let open = client.transaction.as_ref();
        if open.is_some_and(|open| open.guests.contains(&id)) {
            return since;
        }
        let wait = self.wait_after(open);
        let is_busy = client.unit.is_some() || client.inbox.has_request();
        let progress = if is_busy {
            self.now
        } else {
            client.last_active.unwrap_or(since)
        };
        (since.max(progress) + wait).min(since + PATIENCE)
    }

    /// How long others wait for a transaction that stands still.
    fn wait_after(&self, open: Option<&Transaction>) -> Duration {
        let last = open.and_then(|open| open.last.as_deref());
        if last.is_some_and(|last| self.setup.nested_uses.contains(last)) {
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
        let client = self.clients.get(holder);
        let last = client.and_then(|client| client.transaction.as_ref()?.last.as_ref());
        // A transaction that went on until the last moment was not waiting for this client.
        let waited = since + self.setup.wait <= self.now && self.now < since + PATIENCE;
        if let Some(last) = last.filter(|_| waited) {
            self.setup.nested_uses.insert(last);
        }
        for (open, guest) in [(holder, id), (id, holder)] {
            if let Some(open) = &mut self.client(open).transaction {
                open.guests.insert(guest);
            }
        }
        self.read_references();
    }
}

//! What the driver calls: tests begin and end, bytes come and go, events are taken. Nothing happens
//! here; `pump` finds what has changed.

use super::{Engine, Stage, UNREAD, ending::PendingEnd, marks::Mark};
use crate::postgres::proxy::api::{ClientId, End, Event, Test};

impl Engine {
    /// Serves a test from now on; the transaction around it begins with the first thing that is
    /// asked.
    pub(crate) fn begin_test(&mut self, test: Test) {
        self.test_count += 1;
        let settings = self.settings_of(&test.settings);
        if settings != self.test_settings {
            self.test_settings = settings;
        }
        self.test = Some(test);
        // Who came too early for this test was waiting for it.
        let early = self.clients.iter_mut().map(|(_, client)| client);
        for client in early.filter(|client| client.stage == Stage::Starting) {
            client.waiting = None;
            client.test = self.test.as_ref().map(|test| test.name);
        }
    }

    /// Ends the test: statements that run are waited for, nothing more is asked. `TestEnded`
    /// follows.
    pub(crate) fn end_test(&mut self, end: End) {
        self.ending = Some(PendingEnd {
            end,
            is_asked: false,
            is_repeated: false,
            row: Vec::new(),
            error: None,
            proof: None,
        });
    }

    /// Marks the present state of the test by a number; `Marked` follows.
    pub(crate) fn savepoint(&mut self, number: u32) {
        self.mark = Some(Mark::Set(number));
    }

    /// Returns to a mark; later ones are gone. `Marked` follows.
    pub(crate) fn restore(&mut self, number: u32) {
        self.mark = Some(Mark::Restore(number));
    }

    /// A client's socket was accepted.
    pub(crate) fn connect(&mut self) -> ClientId {
        let id = self.clients.add();
        self.clients.at(id).test = self.test.as_ref().map(|test| test.name);
        id
    }

    /// Whether a client has asked something that is not answered.
    pub(crate) fn is_busy(&self) -> bool {
        let mut clients = self.clients.iter();
        clients.any(|(_, client)| client.unit.is_some() || client.inbox.has_message())
    }

    pub(crate) fn client_bytes(&mut self, id: ClientId, bytes: &[u8]) {
        if let Some(client) = self
            .clients
            .get_mut(id)
            .filter(|client| !client.gets_nothing())
        {
            client.inbox.push(bytes);
            self.stalled = self.stalled.filter(|(stalled, _)| *stalled != id);
        }
    }

    /// A client sends nothing more; what it has asked is still answered.
    pub(crate) fn client_finished(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.is_finished = true;
        }
    }

    /// A client's socket has ended.
    pub(crate) fn client_closed(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            (client.is_finished, client.is_closed) = (true, true);
            client.out.clear();
        }
    }

    pub(crate) fn backend_bytes(&mut self, bytes: &[u8]) {
        self.backend.inbox.push(bytes);
    }

    pub(crate) fn backend_closed(&mut self, why: &str) {
        self.backend.closed.get_or_insert_with(|| why.to_owned());
    }

    /// What is to be written to the backend; the driver takes from its front.
    pub(crate) fn backend_output(&mut self) -> &mut Vec<u8> {
        &mut self.backend.out
    }

    /// What is to be written to a client.
    pub(crate) fn client_output(&mut self, id: ClientId) -> &mut Vec<u8> {
        match self.clients.get_mut(id) {
            Some(client) => &mut client.out,
            None => &mut self.nothing,
        }
    }

    /// How many bytes are to be written to a client, and whether more may be read from it now.
    pub(crate) fn interest(&self, id: ClientId) -> (usize, bool) {
        let Some(client) = self.clients.get(id) else {
            return (0, false);
        };
        let has_room = client.inbox.len() < UNREAD || !client.inbox.has_message();
        let floods = self.backend.out.len() > UNREAD
            && client.unit.as_ref().is_some_and(|unit| unit.copying);
        (
            client.out.len(),
            has_room && !floods && !client.is_finished && client.stage != Stage::Gone,
        )
    }

    /// Whether a client's socket is to be closed: everything is written, and nothing more will
    /// come.
    pub(crate) fn is_gone(&self, id: ClientId) -> bool {
        self.clients
            .get(id)
            .is_none_or(|client| client.stage == Stage::Gone && client.out.is_empty())
    }

    /// A client's socket was closed.
    pub(crate) fn forget(&mut self, id: ClientId) {
        if self
            .clients
            .get(id)
            .is_some_and(|client| client.stage == Stage::Gone)
        {
            self.clients.remove(id);
        }
    }

    /// Says whether a request to cancel what the backend does is under way.
    pub(crate) fn hold_back(&mut self, is_cancelling: bool) {
        self.is_held_back = is_cancelling;
    }

    pub(crate) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

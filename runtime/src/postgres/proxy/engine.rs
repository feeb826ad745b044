//! The proxy's state machine: many virtual connections on one backend. It does no input or output and reads no
//! clock, so that all of it is tested without a server.
//!
//! Whoever drives it hands over bytes ([`client_bytes`](Engine::client_bytes),
//! [`backend_bytes`](Engine::backend_bytes)), calls [`pump`](Engine::pump) after that and when the
//! [`deadline`](Engine::deadline) has come, writes what stands in the outputs, and takes the
//! [`events`](Engine::event). Nothing happens outside of `pump`.

use std::time::Instant;

use super::api::{ClientId, End, Event, Setup, Test};

pub(crate) struct Engine {
    nothing: Vec<u8>,
}

impl Engine {
    pub(crate) fn new(_: Setup) -> Self {
        Self {
            nothing: Vec::new(),
        }
    }

    /// Serves a test from now on; the transaction around it begins with the first thing that is asked.
    pub(crate) fn begin_test(&mut self, _: Test) {}

    /// Ends the test: statements that run are waited for, nothing more is asked. `TestEnded` follows.
    pub(crate) fn end_test(&mut self, _: End) {}

    /// Whether the backend is doing something for a client.
    pub(crate) fn is_busy(&self) -> bool {
        false
    }

    /// Marks the present state of the test by a number; `Marked` follows.
    pub(crate) fn savepoint(&mut self, _number: u32) {}

    /// Returns to a mark; later ones are gone. `Marked` follows.
    pub(crate) fn restore(&mut self, _number: u32) {}

    /// A client's socket was accepted.
    pub(crate) fn connect(&mut self) -> ClientId {
        0
    }

    pub(crate) fn client_bytes(&mut self, _: ClientId, _: &[u8]) {}

    /// A client's socket has ended.
    pub(crate) fn client_closed(&mut self, _: ClientId) {}

    pub(crate) fn backend_bytes(&mut self, _: &[u8]) {}

    pub(crate) fn backend_closed(&mut self, _why: &str) {}

    pub(crate) fn pump(&mut self, _now: Instant) {}

    /// When `pump` has to be called though nothing has arrived.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        None
    }

    /// What is to be written to the backend; the driver takes from its front.
    pub(crate) fn backend_output(&mut self) -> &mut Vec<u8> {
        &mut self.nothing
    }

    /// What is to be written to a client.
    pub(crate) fn client_output(&mut self, _: ClientId) -> &mut Vec<u8> {
        &mut self.nothing
    }

    /// Whether more may be read from a client now.
    pub(crate) fn wants_bytes(&self, _: ClientId) -> bool {
        false
    }

    /// Whether a client's socket is to be closed: everything is written, and nothing more will come.
    pub(crate) fn is_gone(&self, _: ClientId) -> bool {
        true
    }

    /// A client's socket was closed.
    pub(crate) fn forget(&mut self, _: ClientId) {}

    pub(crate) fn event(&mut self) -> Option<Event> {
        None
    }
}

//! A client's socket.

use rustix::event::PollFlags;

use super::WAITING;
use crate::{
    observe::recording,
    postgres::{
        outbox::Outbox,
        proxy::{api::ClientId, engine::Engine},
        socket::{Received, Socket, receive},
    },
};

/// A client's socket.
pub(super) struct Connection {
    pub(super) id: ClientId,
    /// Identifies its statements in the recording.
    pub(super) recorded: recording::ClientId,
    pub(super) socket: Socket,
    outbox: Outbox,
}

impl Connection {
    pub(super) fn new(id: ClientId, socket: Socket) -> Self {
        Self {
            id,
            recorded: recording::ClientId::next(),
            socket,
            outbox: Outbox::default(),
        }
    }

    /// How many bytes are to be written, and what to wait for.
    pub(super) fn interest(&self, engine: &Engine) -> (usize, PollFlags) {
        let (waiting, wants_bytes) = engine.interest(self.id);
        let waiting = waiting + self.outbox.len();
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::OUT, waiting > 0);
        interest.set(PollFlags::IN, wants_bytes && waiting < WAITING);
        (waiting, interest)
    }

    /// Hands what has come to the engine.
    pub(super) fn receive(&mut self, engine: &mut Engine, chunk: &mut [u8], has_hung_up: bool) {
        match receive(&mut self.socket, chunk) {
            Ok(Received::Bytes(length)) => engine.client_bytes(self.id, &chunk[..length]),
            Ok(Received::Nothing) => {}
            Ok(Received::End) if !has_hung_up => engine.client_finished(self.id),
            Ok(Received::End) | Err(_) => engine.client_closed(self.id),
        }
    }

    /// Writes what the engine sends; says whether the connection stays open.
    pub(super) fn send(&mut self, engine: &mut Engine) -> bool {
        let output = engine.client_output(self.id);
        if self.outbox.send(&mut self.socket, output).is_err() {
            self.outbox.clear();
            engine.client_closed(self.id);
        }
        let stays = !self.outbox.is_empty() || !engine.is_gone(self.id);
        if !stays {
            engine.forget(self.id);
        }
        stays
    }
}

//! Rows that a client copies in.

use super::{Engine, schedule::Flow};
use crate::postgres::proxy::{api::ClientId, client::UnitKind, protocol::message};

impl Engine {
    /// Rows that a client copies in.
    pub(super) fn advance_copy(&mut self, id: ClientId) -> Flow {
        let is_over = self.ending.is_some() || self.client(id).stage == super::Stage::Leaving;
        let Some(client) = self.clients.get_mut(id) else {
            return Flow::Wait;
        };
        if let Some((kind, _)) = client.inbox.front()
            && !is_over
        {
            match kind {
                b'd' | b'c' | b'f' => {
                    let whole = client.inbox.front_whole().unwrap_or_default();
                    self.backend.out.extend_from_slice(whole);
                    let client = self.client(id);
                    client.inbox.pop();
                    self.unit(id).copying = kind == b'd';
                }
                b'X' => {
                    client.stage = super::Stage::Leaving;
                }
                // The server ignores these in the middle of a COPY, and anything else is an error.
                _ => client.inbox.pop(),
            }
            return Flow::Go;
        }
        // Rows may be cut anywhere, so nobody waits for the end of a message of 1 GB.
        if !is_over && client.inbox.take_piece(b'd', &mut self.backend.out) {
            return Flow::Go;
        }
        if client.is_finished || is_over {
            message(&mut self.backend.out, b'f', |out| {
                out.extend_from_slice(b"the client is gone\0");
            });
            let is_extended = matches!(self.unit(id).kind, UnitKind::Extended { .. });
            self.unit(id).copying = false;
            if is_extended {
                self.client(id).inbox.clear();
                self.unit(id).failed = true;
            }
            return Flow::Go;
        }
        Flow::Wait
    }
}

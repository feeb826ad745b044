//! What the server answers: its errors become those of the faults that have caused them.

use std::io;

use super::{Injector, messages::Messages};
use crate::postgres::proxy::{ErrorFields, error, error_field, query};

impl Injector {
    /// Reads what the server sends; writes what the client gets, and what the server gets for it.
    pub(in crate::postgres::relay) fn server_bytes(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        to_server: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut messages = std::mem::take(&mut self.from_server);
        messages.push(bytes);
        let result = self.pass_answers(&mut messages, out, to_server);
        self.from_server = messages;
        result
    }

    fn pass_answers(
        &mut self,
        messages: &mut Messages,
        out: &mut Vec<u8>,
        to_server: &mut Vec<u8>,
    ) -> io::Result<()> {
        while let Some((kind, body)) = messages.front(|kind| matches!(kind, b'Z' | b'E'), out)? {
            let passes = match kind {
                b'Z' => self.goes_on(body, to_server),
                _ if self.is_rolling_back => false,
                b'E' => !self.replaces(body, out),
                _ => true,
            };
            if passes {
                messages.pass(out);
            } else {
                messages.leave_out();
            }
        }
        Ok(())
    }

    /// Notes the end of a request. A commit that has failed has ended its transaction: the server
    /// rolls it back before the client gets the error.
    fn goes_on(&mut self, status: &[u8], to_server: &mut Vec<u8>) -> bool {
        self.status = status.first().copied().unwrap_or_default();
        if std::mem::take(&mut self.is_rolling_back) {
            self.failing = None;
            self.expected = self.status;
            return true;
        }
        let request = self.answered;
        self.answered += 1;
        let mut ended = self.owed.iter().filter(|owed| owed.request <= request);
        let commit_failed = ended.any(|owed| owed.is_commit && owed.has_come);
        self.owed.retain(|owed| owed.request > request);
        if commit_failed && self.status == b'E' {
            query(to_server, "rollback");
            self.is_rolling_back = true;
            return false;
        }
        if self.failing.is_some_and(|failing| failing <= request) {
            // An earlier failure has had the server skip it.
            self.failing = None;
        }
        if self.answered == self.sent {
            self.expected = self.status;
        }
        true
    }

    /// Writes a fault's error in the place of the server's, if that is one that a fault has caused.
    fn replaces(&mut self, body: &[u8], out: &mut Vec<u8>) -> bool {
        let text = error_field(body, b'M').unwrap_or_default();
        let mut owed = self.owed.iter_mut().filter(|owed| !owed.has_come);
        let Some(owed) = owed.find(|owed| text.contains(&owed.name)) else {
            return false;
        };
        owed.has_come = true;
        error(out, ErrorFields::new("ERROR", &owed.code, &owed.message));
        true
    }
}

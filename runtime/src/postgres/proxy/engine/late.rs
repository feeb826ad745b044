//! Clients of a test that has ended.

use std::time::Instant;

use super::{
    Engine,
    schedule::{Flow, LATE},
};
use crate::postgres::{
    ended_tests,
    proxy::{
        api::{ClientId, Event},
        client::Stage,
        protocol::{ErrorFields, error, ready},
    },
    sqlstate,
};

impl Engine {
    /// Refuses what a client of an ended test asks, after a pause.
    pub(super) fn refuse(&mut self, id: ClientId, at: Option<Instant>) -> Flow {
        let now = self.now;
        let client = self.client(id);
        if client.inbox.front().is_some_and(|(kind, _)| kind == b'X') {
            client.stage = Stage::Gone;
            return Flow::Wait;
        }
        match at {
            // A pool asks whether the connection works before it takes it back; nothing is lost if
            // it does.
            None if client.inbox.front().is_some_and(|(kind, _)| kind == b'S') => {
                client.inbox.pop();
                ready(&mut client.out, b'I');
                return Flow::Go;
            }
            None if client.inbox.has_message() => client.stage = Stage::Late(Some(now + LATE)),
            Some(at) if at <= now => {
                let test = client.test;
                let is_asked = client
                    .inbox
                    .front()
                    .is_some_and(|(kind, body)| asks(kind, body));
                let message = test.map_or_else(String::new, ended_tests::refusal);
                error(
                    &mut client.out,
                    ErrorFields::new("FATAL", sqlstate::ADMIN_SHUTDOWN, &message),
                );
                client.stage = Stage::Gone;
                self.events
                    .extend(test.filter(|_| is_asked).map(Event::AskedLate));
            }
            _ => {}
        }
        Flow::Wait
    }
}

/// Whether a message is the doing of a task that goes on. A pool sends some on its own when a
/// connection comes back to it: a `Sync` to see whether it is alive, the rollback of a transaction
/// that was dropped, and the `UNLISTEN *` of a listener that was dropped.
fn asks(kind: u8, body: &[u8]) -> bool {
    let is_own = |sql: &[u8]| {
        let begins = |word: &[u8]| {
            sql.get(..word.len())
                .is_some_and(|sql| sql.eq_ignore_ascii_case(word))
        };
        begins(b"rollback") || begins(b"unlisten") || begins(b"/*db-test")
    };
    match kind {
        b'Q' => !is_own(body),
        b'P' | b'B' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::asks;

    #[test]
    fn what_a_pool_sends_on_its_own_is_not_a_task_s_doing() {
        assert!(asks(b'Q', b"select 1\0") && asks(b'P', b"\0select 1\0") && asks(b'B', b""));
        assert!(
            !asks(b'S', b"")
                && !asks(b'Q', b"ROLLBACK\0")
                && !asks(b'Q', b"UNLISTEN *\0")
                && !asks(b'Q', b"/*db-test caller 1*/\0")
        );
    }
}

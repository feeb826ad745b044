//! Requests to cancel, and clients of a test that has ended.

use std::time::Instant;

use super::{
    Engine,
    schedule::{Flow, LATE},
};
use crate::postgres::{
    proxy::{
        api::{ClientId, Event},
        client::{Delay, Stage},
        protocol::{ErrorFields, error},
    },
    sqlstate,
};

impl Engine {
    /// A request to cancel what another client does.
    pub(super) fn cancel(&mut self, target: ClientId) {
        if self.active == Some(target) && !self.backend.answers.is_empty() {
            self.events.push_back(Event::CancelBackend);
            return;
        }
        let now = self.now;
        let client = self.client(target);
        let Some(unit) = &mut client.unit else { return };
        let canceled = (
            sqlstate::QUERY_CANCELED.to_owned(),
            "canceling statement due to user request".to_owned(),
        );
        match &mut unit.delay {
            Delay::Until(until, error, disconnects) => {
                (*until, *error, *disconnects) = (now, Some(canceled), false);
            }
            _ if client.waiting.is_some() => unit.delay = Delay::Until(now, Some(canceled), false),
            _ => {}
        }
    }

    /// Refuses what a client of an ended test asks, after a pause.
    pub(super) fn refuse(&mut self, id: ClientId, at: Option<Instant>) -> Flow {
        let now = self.now;
        let client = self.client(id);
        if client.inbox.front().is_some_and(|(kind, _)| kind == b'X') {
            client.stage = Stage::Gone;
            return Flow::Wait;
        }
        match at {
            None if client.inbox.has_message() => client.stage = Stage::Late(Some(now + LATE)),
            Some(at) if at <= now => {
                let message = "db-test: the test that this connection belongs to has ended";
                error(
                    &mut client.out,
                    ErrorFields::new("FATAL", sqlstate::ADMIN_SHUTDOWN, message),
                );
                client.stage = Stage::Gone;
            }
            _ => {}
        }
        Flow::Wait
    }
}

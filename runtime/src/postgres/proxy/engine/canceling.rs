//! Requests to cancel what a client does.
//!
//! The server gets them by a connection of their own, so one may arrive when what it was meant for
//! is over. Nothing else is sent to the backend until the server has handled it.

use super::{Engine, schedule::Flow};
use crate::postgres::{
    proxy::{
        api::{ClientId, Event},
        client::{Delay, Stage},
        expected::{Expected, Own},
    },
    sqlstate,
};

impl Engine {
    /// Goes on with a request to cancel what a target does, or did: the end of the connection that
    /// it came by says that it has been handled.
    pub(super) fn advance_cancel(&mut self, id: ClientId, target: Option<ClientId>) -> Flow {
        let Some(target) = target else {
            if !self.is_held_back {
                self.client(id).stage = Stage::Gone;
            }
            return Flow::Wait;
        };
        if self.active != Some(target) || self.backend.answers.is_empty() {
            self.cancel_wait(target);
            self.client(id).stage = Stage::Gone;
        } else if !self.is_at_own_query() {
            self.events.push_back(Event::CancelBackend);
            self.is_held_back = true;
            self.client(id).stage = Stage::Canceling(None);
        }
        Flow::Wait
    }

    /// Whether the backend is known to be at a query of the proxy's own that must not fail.
    fn is_at_own_query(&self) -> bool {
        match self.backend.answers.front() {
            // What goes in front of a pipeline is answered with it.
            Some(Expected::Own(Own::Piped(_) | Own::Check)) => false,
            Some(Expected::Own(_)) => true,
            _ => false,
        }
    }

    /// Cancels what has not reached the backend.
    fn cancel_wait(&mut self, target: ClientId) {
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
}

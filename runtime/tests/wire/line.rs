//! One connection through a relay, and how often its client waits for an answer.
//!
//! Whether a client waits cannot be seen from outside: it may have sent its next request just
//! before it would have read the answer. So each answer is kept back until the client says more or
//! has said nothing for a while. What it says then, it says without having waited.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::recording::RoundTrip;

/// One connection through the relay.
pub(crate) struct Line {
    /// How long an answer is kept back.
    patience: Duration,
    state: Mutex<State>,
    more_was_said: Condvar,
}

#[derive(Default)]
struct State {
    trips: Vec<RoundTrip>,
    /// Requests so far, and answers that the client has been given.
    requested: usize,
    answered: usize,
}

impl Line {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            state: Mutex::default(),
            more_was_said: Condvar::new(),
        }
    }

    /// Notes what the client asks for.
    pub(crate) fn hear(&self, requests: impl Iterator<Item = String>) {
        let mut state = self.state();
        for request in requests {
            if state.requested == state.answered {
                state.trips.push(RoundTrip::default());
            }
            state.requested += 1;
            let trip = state.trips.last_mut().expect("one has been begun");
            trip.requests.push(request);
        }
        self.more_was_said.notify_all();
    }

    /// Waits with the answers to this many requests, unless the client goes on without them.
    pub(crate) fn keep_back(&self, answers: usize) {
        if answers == 0 {
            return;
        }
        let state = self.state();
        let outstanding = state.requested;
        let waited = self
            .more_was_said
            .wait_timeout_while(state, self.patience, |state| state.requested == outstanding);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.answered += answers;
    }

    /// What has been noted so far.
    pub(crate) fn trips(&self) -> Vec<RoundTrip> {
        self.state().trips.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The test that a driver serves, from its beginning to the answer that the harness gets to its
//! end.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::{
    observe::recording::{Probe, Recording},
    postgres::{
        listener::Listener,
        proxy::{api::Proof, command::Ended},
    },
};

/// The test that a driver serves.
pub(super) enum Serving {
    /// No test. Connections of earlier ones are refused.
    Nobody,
    /// Its connections are accepted.
    Test {
        listener: Listener,
        recording: Arc<Recording>,
        probe: Arc<Probe>,
    },
    /// The harness waits for its end. No connection is accepted any more.
    Ending {
        recording: Arc<Recording>,
        probe: Arc<Probe>,
        reply: oneshot::Sender<Ended>,
    },
    /// It has lost its backend. Connections are accepted and get an error.
    Lost { listener: Listener, ended: Ended },
    /// The engine has ended it; the harness gets the answer when nothing of the test can reach the
    /// next one.
    Ended {
        ended: Ended,
        reply: oneshot::Sender<Ended>,
    },
}

impl Serving {
    pub(super) fn begin(
        &mut self,
        listener: Listener,
        recording: Arc<Recording>,
        probe: Arc<Probe>,
    ) {
        *self = Self::Test {
            listener,
            recording,
            probe,
        };
    }

    /// The harness ends the test. Gives the listener, whose removal takes file operations, for
    /// which there is time while the server works.
    pub(super) fn end(&mut self, reply: oneshot::Sender<Ended>) -> Option<Listener> {
        let (next, listener) = match self.take() {
            Self::Test {
                listener,
                recording,
                probe,
            } => {
                let ending = Self::Ending {
                    recording,
                    probe,
                    reply,
                };
                (ending, Some(listener))
            }
            Self::Lost { listener, ended } => (Self::Ended { ended, reply }, Some(listener)),
            other => (other, None),
        };
        *self = next;
        listener
    }

    /// The engine has ended the test.
    pub(super) fn ended(&mut self, proof: Proof) {
        let ended = Ended { proof };
        *self = match self.take() {
            Self::Ending { reply, .. } => Self::Ended { ended, reply },
            Self::Test { listener, .. } => Self::Lost { listener, ended },
            other => other,
        };
    }

    /// Answers the harness, if the test has ended.
    pub(super) fn conclude(&mut self) {
        match self.take() {
            Self::Ended { ended, reply } => drop(reply.send(ended)),
            other => *self = other,
        }
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Nobody)
    }

    pub(super) fn is_nobody(&self) -> bool {
        matches!(self, Self::Nobody)
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self, Self::Ending { .. })
    }

    pub(super) fn listener(&self) -> Option<&Listener> {
        match self {
            Self::Test { listener, .. } | Self::Lost { listener, .. } => Some(listener),
            _ => None,
        }
    }

    /// Where statements are recorded.
    pub(super) fn recording(&self) -> Option<&Arc<Recording>> {
        match self {
            Self::Test { recording, .. } | Self::Ending { recording, .. } => Some(recording),
            _ => None,
        }
    }

    /// What finds out whether anything has arrived.
    pub(super) fn probe(&self) -> Option<&Probe> {
        match self {
            Self::Test { probe, .. } | Self::Ending { probe, .. } => Some(probe),
            _ => None,
        }
    }
}

//! The tap: an in-process relay between a lane's connection and its server, where what is said on
//! the wire is read for the test's [`Recording`].
//!
//! sqlx tells its statements through `tracing`, but without parameters and errors, and to whatever
//! subscriber the application has installed. The wire tells everything, exactly, on every thread.

mod backend;
mod conversation;
mod deepening;
mod deferral;
mod framing;
mod frontend;
#[cfg(unix)]
mod listen;
mod opening;
mod question;
#[cfg(unix)]
mod relay;
#[cfg(unix)]
mod side;
#[cfg(not(unix))]
mod without_sockets;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use self::conversation::Conversation;
#[cfg(unix)]
pub(crate) use self::listen::{TappedDoor, door, tapped};
pub(crate) use self::opening::Opened;
#[cfg(not(unix))]
pub(crate) use self::without_sockets::{TappedDoor, door};
use crate::recording::{Recording, ServerError};

/// The handle on what is recorded of one connection. Every clone is the same tap.
#[derive(Clone, Default)]
pub(crate) struct Tap(Arc<Shared>);

#[derive(Default)]
struct Shared {
    conversation: Mutex<Conversation>,
    /// Whether the relay has ended, and so has forwarded everything.
    ended: watch::Sender<bool>,
}

impl Tap {
    /// Records what is said from now on for one test, if it can be heard.
    pub(crate) fn record(&self, recording: &Arc<Recording>) {
        let mut conversation = self.conversation();
        if !conversation.is_relayed {
            recording.hears_nothing();
        }
        conversation.record(Arc::clone(recording));
    }

    /// Opens the test's transaction before anything is asked on the connection, so that nobody has to
    /// wait for it. Says no where there is no relay.
    pub(crate) fn defer_opening(&self, sql: impl FnOnce(bool) -> String) -> bool {
        let mut conversation = self.conversation();
        if conversation.is_relayed {
            conversation.defer_opening(sql);
        }
        conversation.is_relayed
    }

    /// Takes back the promise to open the transaction; says no if it was kept.
    pub(crate) fn need_not_open(&self) -> bool {
        self.conversation().need_not_open()
    }

    /// What the server said when it opened the transaction.
    pub(crate) fn opened(&self) -> Option<Opened> {
        self.conversation().opened().cloned()
    }

    /// Whether the connection is known to be closed.
    pub(crate) fn has_ended(&self) -> bool {
        *self.0.ended.borrow()
    }

    /// Moves the checkpoint before anything else is asked on the connection, so that nobody has to
    /// wait for it. Says no where that could fail, or where there is no relay.
    pub(crate) fn defer_move(&self) -> bool {
        let mut conversation = self.conversation();
        conversation.is_relayed && conversation.defer_move()
    }

    /// Whether the test has got out of the transaction around it, as far as its connection tells.
    pub(crate) fn has_escaped(&self) -> bool {
        self.conversation().has_escaped()
    }

    /// The process that the server says it is, as far as it was heard.
    pub(crate) fn process(&self) -> Option<i32> {
        self.conversation().process
    }

    /// Whether the connection leads through a relay.
    pub(crate) fn is_relayed(&self) -> bool {
        self.conversation().is_relayed
    }

    /// Why the server ended the connection, in its words.
    pub(crate) fn last_words(&self) -> Option<ServerError> {
        self.conversation().last_words()
    }

    /// Ends the recording.
    pub(crate) fn stop(&self) {
        self.conversation().stop();
    }

    /// Waits until everything has been forwarded, after the connection was closed.
    pub(crate) async fn ended(&self) {
        if self.conversation().is_relayed {
            let mut ended = self.0.ended.subscribe();
            // The sender lives as long as this tap.
            ended.wait_for(|ended| *ended).await.ok();
        }
    }

    fn conversation(&self) -> MutexGuard<'_, Conversation> {
        self.0
            .conversation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}

//! What the harness has a proxy do.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{
    api::{End, MarkRefused, Proof},
    watch::Watch,
};
use crate::{
    observe::recording::Probe,
    postgres::{listener::Listener, upstream::Row},
};

/// What a proxy serves from now on.
pub(crate) struct Test {
    pub(crate) listener: Listener,
    pub(crate) watch: Watch,
}

/// How a test ended, as its proxy saw it.
pub(crate) struct Ended {
    pub(crate) proof: Proof,
}

/// What is done with a mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Marking {
    Set,
    Restore,
}

pub(super) enum Command {
    Begin(Test, Arc<Probe>),
    End(End, oneshot::Sender<Ended>),
    /// Marks the state of the test by a number, or returns to it.
    Mark(u32, Marking, oneshot::Sender<Result<(), MarkRefused>>),
    /// Ends what the backend is doing, if it is doing something for a client.
    Interrupt,
    /// A query between two tests.
    Ask(String, oneshot::Sender<Result<Vec<Row>, sqlx::Error>>),
    /// The last query, and the end of the connection.
    Close(Option<String>, oneshot::Sender<bool>),
}

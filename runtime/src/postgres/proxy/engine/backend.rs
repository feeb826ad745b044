//! What the engine knows of its one connection to the server.

use std::{collections::BTreeMap, rc::Rc};

use crate::postgres::proxy::{expected::Answers, protocol::Inbox, settings::Settings};

/// The one connection to the server.
#[derive(Default)]
pub(super) struct Backend {
    pub(super) inbox: Inbox,
    pub(super) out: Vec<u8>,
    pub(super) answers: Answers,
    /// Statements that go in front of whatever is sent next.
    pub(super) prefix: String,
    /// Whether the test's transaction has been begun.
    pub(super) is_open: bool,
    /// Whether it was asked what is asked once.
    pub(super) is_prepared: bool,
    /// The settings of clients that are in force.
    pub(super) applied: Settings,
    /// The parameters that it has reported, and how often one changed.
    pub(super) reported: BTreeMap<Rc<str>, Rc<str>>,
    pub(super) revision: u64,
    /// How the connection ended, if it has, and the SQLSTATE that the server gave.
    pub(super) closed: Option<String>,
    pub(super) last_words: Option<String>,
    pub(super) broken: Option<String>,
    /// Whether the loss was reported.
    pub(super) is_reported: bool,
}

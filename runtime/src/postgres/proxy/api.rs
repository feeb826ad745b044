//! What the engine is given, and what it reports.

use std::{collections::BTreeMap, rc::Rc, sync::Arc, time::Duration};

use super::nested_uses::NestedUses;
pub(crate) use crate::observe::recording::{Finding, FindingKind};
use crate::observe::recording::{Parameter, ServerError};

/// A connection of the test, as long as the engine lives.
pub(crate) type ClientId = u32;

/// What is known of the backend connection when the engine is made.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    /// Every `ParameterStatus` that the server has sent.
    pub(crate) parameters: Vec<(String, String)>,
    /// The settings that the backend connection was started with; a client that asks for the same
    /// ones costs nothing.
    pub(crate) base: Vec<(String, String)>,
    /// The role and the database of the test, each with the names that stand for it in options that
    /// were made before the real ones were known. Where there are none, any name stands for it.
    pub(crate) roles: Vec<String>,
    pub(crate) databases: Vec<String>,
    /// `pg_notify` of this database raises [`NOTIFY_SQLSTATE`] in place of notifying.
    pub(crate) notify_hook: bool,
    /// `now()` of this database shows what the setting `db_test.now` says.
    pub(crate) moves_clock: bool,
    /// An expression of type boolean that releases advisory locks and says whether the backend
    /// still has its lane.
    pub(crate) release_locks: String,
    /// How long a client waits for another one's open transaction before it is let in.
    pub(crate) wait: Duration,
    /// Where the wait is short.
    pub(crate) nested_uses: Arc<NestedUses>,
    /// What the keys of requests to cancel are made from; another one for each engine.
    pub(crate) secret: u64,
}

impl Setup {
    /// What the server has said of itself, by name.
    pub(super) fn reported(&self) -> BTreeMap<Rc<str>, Rc<str>> {
        let reported = self.parameters.iter();
        let named = reported.map(|(name, value)| (name.as_str().into(), value.as_str().into()));
        named.collect()
    }
}

/// The code of the message by which a replaced `pg_notify` reports to the engine (channel in the
/// message, payload in the detail).
pub(crate) const NOTIFY_SQLSTATE: &str = "DBT01";

/// What a test is served with.
pub(crate) struct Test {
    pub(crate) name: &'static str,
    /// Settings of every connection of this test, where the startup message says nothing else.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) faults: Arc<dyn Faults>,
}

/// Faults that the test has set.
pub(crate) trait Faults: Send + Sync {
    /// What is to happen in the place of a statement.
    fn on_statement(&self, sql: &str) -> Option<Injection>;
    /// What is to happen in the place of a commit.
    fn on_commit(&self) -> Option<Injection>;
}

/// No faults.
impl Faults for () {
    fn on_statement(&self, _: &str) -> Option<Injection> {
        None
    }

    fn on_commit(&self) -> Option<Injection> {
        None
    }
}

/// A fault, done in this order: wait, then fail or lose the connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Injection {
    pub(crate) delay: Option<Duration>,
    /// An SQLSTATE and its message.
    pub(crate) error: Option<(String, String)>,
    pub(crate) disconnects: bool,
}

/// How a test's transaction ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    RollBack,
    /// For a failed test whose rows are kept.
    Commit,
}

/// The end of a test.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) how: How,
    /// Run in one query with the rollback, after it; empty for nothing.
    pub(crate) script: String,
}

/// Whether a test's transaction was the one that was begun for it.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Proof {
    Proved,
    /// Nothing was asked, so no transaction was begun.
    NotOpened,
    /// The transaction that was begun had ended before.
    Escaped,
    /// Another process has the lane: the test released its advisory lock.
    ClaimLost,
    /// A deferred constraint did not hold when the test's rows were to be kept.
    Violated(String),
    /// Nothing is known for certain; the backend is not to be used again.
    Broken(String),
}

/// What the engine reports.
#[derive(Debug)]
pub(crate) enum Event {
    /// A statement of the application was answered, by the server or by the engine.
    Statement(Finished),
    /// A client was let in that is not of the test's pool.
    OpenedElsewhere(ClientId),
    /// A client asked to cancel what the backend is doing for it.
    CancelBackend,
    Entanglement(Finding),
    /// A mark of [`Engine::savepoint`](super::engine::Engine::savepoint) was set or restored, or
    /// refused with the reason.
    Marked(Result<(), MarkRefused>),
    TestEnded(Proof),
    /// Something was asked on a connection of this test, which has ended.
    AskedLate(&'static str),
    /// The backend is not to be used again. `TestEnded` comes before if a test was running.
    Broken(String),
}

/// Why a mark is not set or restored.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum MarkRefused {
    /// There is no such mark any more.
    Gone,
    /// A transaction is open, with this statement in it.
    InTransaction(Arc<str>),
    Failed(String),
}

/// A statement of the application and what came of it.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) client: ClientId,
    pub(crate) sql: Arc<str>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) took: Duration,
    pub(crate) rows: Option<u64>,
    pub(crate) error: Option<ServerError>,
    pub(crate) is_answered: bool,
    /// It was not executed: its Parse failed.
    pub(crate) prepared_only: bool,
}

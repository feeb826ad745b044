//! What a test did: its HTTP exchanges, and the statements that each of them caused.

mod attributed;
mod caller;
mod exchange;
mod finding;
mod holders;
mod latest;
mod log;
mod pulse;
mod shown;
mod statement;
mod value;

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
};

#[cfg(feature = "axum")]
pub(crate) use self::exchange::{BODY, Seen};
#[cfg(feature = "sqlite")]
pub(crate) use self::value::type_id;
pub(crate) use self::{
    attributed::{attributed, leave, released},
    caller::Caller,
    exchange::Exchange,
    finding::{Finding, FindingKind},
    holders::ClientId,
    log::Log,
    pulse::{Probe, Pulse, Waiting},
    shown::Shown,
    statement::{CUT, FIXTURES, Parameter, ServerError, Statement},
};

/// How many findings are kept; the first ones explain the others.
const FINDINGS: usize = 10;

/// What one test did, in order.
pub(crate) struct Recording {
    test: &'static str,
    /// The name of the database that this is of, unless it is the test's first one.
    database: Option<&'static str>,
    /// Whether the test has ended.
    is_finished: AtomicBool,
    pulse: Pulse,
    /// The thread on which the test's body runs.
    thread: ThreadId,
    log: Arc<Mutex<Log>>,
}

tokio::task_local! {
    /// The number of the exchange whose handler is running.
    pub(crate) static EXCHANGE: Cell<usize>;
}

impl Recording {
    /// A recording of the test whose body runs on this thread.
    pub(crate) fn new(test: &'static str) -> Arc<Self> {
        Arc::new(Self {
            test,
            database: None,
            is_finished: AtomicBool::new(false),
            pulse: Pulse::default(),
            thread: thread::current().id(),
            log: Arc::new(Mutex::new(Log::new())),
        })
    }

    /// The same recording, for what happens in a further database of the test.
    pub(crate) fn of_database(&self, name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            test: self.test,
            database: Some(name),
            is_finished: AtomicBool::new(false),
            pulse: self.pulse.another(),
            thread: self.thread,
            log: Arc::clone(&self.log),
        })
    }

    /// The name of the test.
    pub(crate) fn test(&self) -> &'static str {
        self.test
    }

    /// Whether something happens on the test's connections.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Notes that the test has ended.
    pub(crate) fn finish(&self) {
        self.is_finished.store(true, Ordering::Release);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.is_finished.load(Ordering::Acquire)
    }

    /// Notes that a connection was acquired. Returns a statement to send on it that names the
    /// caller, if the connection cannot be distinguished from another one that is held.
    pub(crate) fn acquired(&self) -> Option<String> {
        let mut log = self.log();
        let caller = self.caller(&log);
        log.holders.acquired(caller)
    }

    /// Notes that a connection was released.
    pub(crate) fn released(&self) {
        self.log().holders.released();
    }

    /// Whether somebody holds a connection of the pool.
    pub(crate) fn is_held(&self) -> bool {
        self.log().holders.is_any()
    }

    /// Who runs on the current thread and task.
    fn caller(&self, log: &Log) -> Caller {
        match EXCHANGE.try_with(Cell::get) {
            Ok(number) => Caller::Exchange(number),
            Err(_) if thread::current().id() == self.thread => Caller::Test,
            Err(_) => Caller::Task(log.exchanges.count().checked_sub(1)),
        }
    }

    /// Adds a statement that has been answered on a connection.
    pub(crate) fn add(&self, client: ClientId, mut statement: Statement) {
        let mut log = self.log();
        if log.holders.is_mark(client, statement.sent()) || statement.is_own() {
            return;
        }
        statement.caller = log.caller_on(client);
        statement.database = self.database;
        log.add(statement);
    }

    /// Notes that a connection is not of the test's pool.
    pub(crate) fn opened_elsewhere(&self, client: ClientId) {
        self.log().holders.opened_elsewhere(client);
    }

    /// Adds a statement that begins on a connection. Returns its number, or none if it is not the
    /// test's.
    #[cfg(feature = "sqlite")]
    pub(crate) fn add_running(&self, client: ClientId, mut statement: Statement) -> Option<usize> {
        let mut log = self.log();
        if log.holders.is_mark(client, statement.sent()) {
            return None;
        }
        statement.caller = log.caller_on(client);
        statement.database = self.database;
        log.add(statement);
        Some(log.statements.count() - 1)
    }

    /// Completes a statement that began.
    #[cfg(feature = "sqlite")]
    pub(crate) fn ended(
        &self,
        number: usize,
        took: std::time::Duration,
        rows: u64,
        error: Option<ServerError>,
    ) {
        if let Some(statement) = self.log().statements.get_mut(number) {
            statement.took = took;
            statement.rows = error.is_none().then_some(rows);
            statement.error = error;
            statement.is_unanswered = false;
        }
    }

    #[cfg(test)]
    pub(crate) fn add_by(&self, caller: Caller, mut statement: Statement) {
        statement.caller = caller;
        self.log().add(statement);
    }

    /// Adds that two connections were not isolated as production's are.
    pub(crate) fn add_finding(&self, finding: Finding) {
        let mut log = self.log();
        if log.findings.len() < FINDINGS && !log.findings.contains(&finding) {
            log.findings.push(finding);
        }
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

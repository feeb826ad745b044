//! What a test did: its HTTP exchanges, and the statements that each of them caused.

mod exchange;
mod holders;
mod statement;
mod value;

use std::{
    cell::Cell,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

use self::holders::Holders;
pub(crate) use self::{
    exchange::{Exchange, Seen, recorded},
    holders::ClientId,
    statement::{CUT, Parameter, ServerError, Statement},
};

use crate::postgres::proxy::Finding;

/// So many statements of a test are remembered; of more, only their number.
const REMEMBERED: usize = 10_000;

/// So many encounters of connections are remembered; the first ones explain the others.
const ENTANGLEMENTS: usize = 10;

/// What one test did, in order.
pub(crate) struct Recording {
    /// The thread on which the test's body runs.
    thread: ThreadId,
    log: Mutex<Log>,
}

/// The exchanges and statements of a test.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) statements: Vec<Statement>,
    /// How many statements came after the last one that is remembered.
    pub(crate) forgotten: usize,
    /// Where connections of the test met that production keeps apart.
    pub(crate) entanglements: Vec<Finding>,
    holders: Holders,
}

/// Who asked for a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Caller {
    /// The test itself: its body, or what made its arguments.
    #[default]
    Test,
    /// A handler, by the number of its exchange.
    Exchange(usize),
    /// A spawned task, with the number of the last exchange that had begun before.
    Task(Option<usize>),
}

tokio::task_local! {
    /// The number of the exchange whose handler is running.
    static EXCHANGE: Cell<usize>;
}

impl Recording {
    /// A recording of the test whose body runs on this thread.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current().id(),
            log: Mutex::default(),
        })
    }

    /// Remembers that somebody has acquired a connection. Where it could not be told apart from another one
    /// that is held, gives a statement to be sent on it, which says whose it is.
    pub(crate) fn acquired(&self) -> Option<String> {
        let mut log = self.log();
        let caller = self.caller(&log);
        log.holders.acquired(caller)
    }

    /// Remembers that a connection has been released.
    pub(crate) fn released(&self) {
        self.log().holders.released();
    }

    /// Who is running here.
    fn caller(&self, log: &Log) -> Caller {
        match EXCHANGE.try_with(Cell::get) {
            Ok(number) => Caller::Exchange(number),
            Err(_) if thread::current().id() == self.thread => Caller::Test,
            Err(_) => Caller::Task(log.exchanges.len().checked_sub(1)),
        }
    }

    /// Adds a statement that has been answered on a connection.
    pub(crate) fn add(&self, client: ClientId, mut statement: Statement) {
        let mut log = self.log();
        if log.holders.is_mark(client, statement.sent()) || statement.is_own() {
            return;
        }
        statement.caller = log.holders.of(client);
        if log.statements.len() < REMEMBERED {
            log.statements.push(statement);
        } else {
            log.forgotten += 1;
        }
    }

    /// Adds that two connections have met where production keeps them apart.
    pub(crate) fn entangled(&self, finding: Finding) {
        let mut log = self.log();
        if log.entanglements.len() < ENTANGLEMENTS && !log.entanglements.contains(&finding) {
            log.entanglements.push(finding);
        }
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// The statements that a caller asked for.
    pub(crate) fn asked_by(&self, caller: Caller) -> impl Iterator<Item = &Statement> {
        self.statements
            .iter()
            .filter(move |statement| statement.caller == caller)
    }
}

//! What a test did: its HTTP exchanges, and the statements that each of them caused.

mod exchange;
mod latest;
mod shown;
mod statement;
mod value;

use std::{
    cell::Cell,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

use self::latest::Bounds;
pub(crate) use self::{
    exchange::{Exchange, Seen, recorded},
    latest::Latest,
    shown::Shown,
    statement::{CUT, Parameter, ServerError, Statement},
};

/// So much of a test's statements is remembered; all of them are counted.
const STATEMENTS: Bounds = Bounds {
    items: 10_000,
    bytes: 16 * 1024 * 1024,
};

/// So much of a test's exchanges is remembered.
const EXCHANGES: Bounds = Bounds {
    items: 1000,
    bytes: 8 * 1024 * 1024,
};

/// What one test did, in order.
pub(crate) struct Recording {
    /// The thread on which the test's body runs.
    thread: ThreadId,
    log: Mutex<Log>,
}

/// The exchanges and statements of a test.
pub(crate) struct Log {
    pub(crate) exchanges: Latest<Exchange>,
    pub(crate) statements: Latest<Statement>,
    /// How many statements count as queries.
    pub(crate) queries: usize,
    /// How many of them each exchange caused, whether or not it is remembered.
    pub(crate) queries_of_exchanges: Vec<u32>,
    /// A connection could not be listened to, so that nothing is known of its statements.
    pub(crate) is_deaf: bool,
    holder: Caller,
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

impl Caller {
    /// The exchange that a statement of this caller counts for.
    pub(crate) fn exchange(self) -> Option<usize> {
        match self {
            Self::Test => None,
            Self::Exchange(number) => Some(number),
            Self::Task(number) => number,
        }
    }
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
            log: Mutex::new(Log::new()),
        })
    }

    /// Remembers that the current task is who the connection belongs to from now on.
    pub(crate) fn handed_out(&self) {
        let exchange = EXCHANGE.try_with(Cell::get).ok();
        let mut log = self.log();
        log.holder = match exchange {
            Some(number) => Caller::Exchange(number),
            None if thread::current().id() == self.thread => Caller::Test,
            None => Caller::Task(log.exchanges.count().checked_sub(1)),
        };
    }

    /// A connection of the test does not lead through a relay.
    pub(crate) fn hears_nothing(&self) {
        self.log().is_deaf = true;
    }

    /// Who has the connection.
    pub(crate) fn caller(&self) -> Caller {
        self.log().holder
    }

    /// Adds a statement that has been answered.
    pub(crate) fn add(&self, statement: Statement) {
        if statement.is_own() {
            return;
        }
        self.log().add(statement);
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn new() -> Self {
        Self {
            exchanges: Latest::within(EXCHANGES),
            statements: Latest::within(STATEMENTS),
            queries: 0,
            queries_of_exchanges: Vec::new(),
            is_deaf: false,
            holder: Caller::default(),
        }
    }

    fn add(&mut self, statement: Statement) {
        if statement.is_counted() {
            self.queries += 1;
            if let Some(number) = statement.caller.exchange() {
                self.queries_of_exchanges[number] += 1;
            }
        }
        let size = statement.size();
        self.statements.push(statement, size);
    }

    /// What counts as a query, of the statements that are remembered from this number on.
    pub(crate) fn queries_from(&self, start: usize) -> impl Iterator<Item = &Statement> {
        let remembered = self.statements.between(start, usize::MAX);
        remembered.filter(|statement| statement.is_counted())
    }

    /// The statements that a caller asked for.
    pub(crate) fn asked_by(&self, caller: Caller) -> impl Iterator<Item = &Statement> {
        self.statements
            .iter()
            .filter(move |statement| statement.caller == caller)
    }
}

//! The exchanges and statements of a test, as they are remembered and counted.

use super::{
    Caller, Exchange, Finding, Statement,
    holders::{ClientId, Holders},
    latest::{Bounds, Latest},
};

/// How many of a test's statements are kept; all of them are counted.
const STATEMENTS: Bounds = Bounds {
    items: 10_000,
    bytes: 16 * 1024 * 1024,
};

/// How many of a test's exchanges are kept.
const EXCHANGES: Bounds = Bounds {
    items: 1000,
    bytes: 8 * 1024 * 1024,
};

/// The exchanges and statements of a test.
pub(crate) struct Log {
    pub(crate) exchanges: Latest<Exchange>,
    pub(crate) statements: Latest<Statement>,
    /// How many statements count as queries.
    pub(crate) queries: usize,
    /// How many of them each exchange caused, whether or not it is remembered.
    pub(crate) queries_of_exchanges: Vec<u32>,
    /// How many more it may have caused: those of an unclear caller while it ran.
    pub(crate) unclear_of_exchanges: Vec<u32>,
    /// The exchanges whose handlers run.
    pub(super) open: Vec<usize>,
    /// Where connections of the test were not isolated as production's are.
    pub(crate) findings: Vec<Finding>,
    pub(super) holders: Holders,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            exchanges: Latest::within(EXCHANGES),
            statements: Latest::within(STATEMENTS),
            queries: 0,
            queries_of_exchanges: Vec::new(),
            unclear_of_exchanges: Vec::new(),
            open: Vec::new(),
            findings: Vec::new(),
            holders: Holders::default(),
        }
    }

    /// Who sends a statement on a connection. Of one that is not the pool's, nobody said who
    /// acquired it: it is of the only handler that runs.
    pub(super) fn caller_on(&self, client: ClientId) -> Caller {
        self.holders
            .of(client)
            .unwrap_or(match self.open.as_slice() {
                [] => Caller::Test,
                [number] => Caller::Exchange(*number),
                _ => Caller::Unclear,
            })
    }

    pub(super) fn add(&mut self, statement: Statement) {
        if statement.is_counted() {
            self.queries += 1;
            if let Some(number) = statement.caller.exchange() {
                self.queries_of_exchanges[number] += 1;
            }
            if statement.caller == Caller::Unclear {
                for number in &self.open {
                    self.unclear_of_exchanges[*number] += 1;
                }
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

    /// The statements that a caller sent.
    pub(crate) fn sent_by(&self, caller: Caller) -> impl Iterator<Item = &Statement> {
        self.statements
            .iter()
            .filter(move |statement| statement.caller == caller)
    }
}

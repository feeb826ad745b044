//! Matches a test's connections to their callers.
//!
//! A pool says who acquires a connection, but not which connection on the wire it is. As long as
//! one caller at a time holds connections, that does not matter. When a second one comes while the
//! first still holds one, a statement that does nothing is sent on the second connection, which
//! names its caller.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicU64, Ordering},
};

use super::Caller;

/// How a statement begins that says whose a connection is.
const MARK: &str = "/*db-test caller ";

/// A connection of a test, as it is seen on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ClientId(u64);

impl ClientId {
    /// Another one, in this process.
    pub(crate) fn next() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(COUNT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Who holds which connection.
#[derive(Default)]
pub(super) struct Holders {
    /// How many connections are held, or will be released in a moment.
    held: usize,
    /// Counts the times when none was; who was named before that does not hold his any more.
    stretch: usize,
    /// Who holds those of which nothing was said.
    first: Caller,
    /// The callers that statements name, by number.
    named: Vec<Caller>,
    /// The connections that were named, with the stretch in which they were.
    connections: HashMap<ClientId, (usize, Caller)>,
    /// Connections that are known not to be of the pool.
    own: HashSet<ClientId>,
}

impl Holders {
    pub(super) fn acquired(&mut self, caller: Caller) -> Option<String> {
        self.held += 1;
        if self.held == 1 {
            self.stretch += 1;
            self.first = caller;
            self.connections.clear();
            return None;
        }
        if self.first == caller && self.connections.is_empty() {
            return None;
        }
        self.named.push(caller);
        Some(format!("{MARK}{}*/", self.named.len() - 1))
    }

    pub(super) fn released(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// Whether any connection is held.
    pub(super) fn is_any(&self) -> bool {
        self.held > 0
    }

    /// Whether a statement says whose a connection is, which is remembered.
    pub(super) fn is_mark(&mut self, client: ClientId, sql: &str) -> bool {
        let Some(rest) = sql.strip_prefix(MARK) else {
            return false;
        };
        let number = rest
            .split('*')
            .next()
            .and_then(|number| number.parse::<usize>().ok());
        if let Some(caller) = number.and_then(|number| self.named.get(number)) {
            self.connections.insert(client, (self.stretch, *caller));
        }
        true
    }

    /// Remembers that a connection is not of the pool.
    pub(super) fn opened_elsewhere(&mut self, client: ClientId) {
        self.own.insert(client);
    }

    /// Who holds a connection of the pool; none if it is the application's own.
    pub(super) fn of(&self, client: ClientId) -> Option<Caller> {
        if self.held == 0 || self.own.contains(&client) {
            return None;
        }
        match self.connections.get(&client) {
            Some((stretch, caller)) if *stretch == self.stretch => Some(*caller),
            _ => Some(self.first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, ClientId, Holders};

    const ONE: Caller = Caller::Exchange(1);
    const TWO: Caller = Caller::Exchange(2);

    #[test]
    fn one_caller_after_the_other_need_not_be_named() {
        let (mut holders, client) = (Holders::default(), ClientId::next());
        for caller in [ONE, TWO] {
            assert_eq!(holders.acquired(caller), None);
            assert_eq!(holders.of(client), Some(caller));
            holders.released();
        }
    }

    #[test]
    fn two_callers_at_once_are_told_apart() {
        let (mut holders, [a, b]) = (Holders::default(), [ClientId::next(), ClientId::next()]);
        assert_eq!(holders.acquired(ONE), None);
        let mark = holders.acquired(TWO).expect("it has to be named");
        assert!(holders.is_mark(b, &mark));
        assert_eq!((holders.of(a), holders.of(b)), (Some(ONE), Some(TWO)));
        // The first comes back for a second connection while the other is still there.
        let mark = holders.acquired(ONE).expect("it has to be named");
        assert!(holders.is_mark(b, &mark), "the pool gives it the same one");
        assert_eq!(holders.of(b), Some(ONE));
    }

    #[test]
    fn while_the_pool_s_are_free_a_connection_is_the_application_s_own() {
        let (mut holders, client) = (Holders::default(), ClientId::next());
        holders.acquired(ONE);
        holders.released();
        assert_eq!(holders.of(client), None);
    }

    #[test]
    fn who_was_named_is_forgotten_when_nothing_is_held_any_more() {
        let (mut holders, b) = (Holders::default(), ClientId::next());
        holders.acquired(ONE);
        let mark = holders.acquired(TWO).expect("it has to be named");
        holders.is_mark(b, &mark);
        holders.released();
        holders.released();
        assert_eq!(holders.acquired(ONE), None);
        assert_eq!(holders.of(b), Some(ONE));
    }

    #[test]
    fn an_application_s_own_comment_is_a_statement() {
        let mut holders = Holders::default();
        assert!(!holders.is_mark(ClientId::next(), "/*db-test*/ select 1"));
    }
}

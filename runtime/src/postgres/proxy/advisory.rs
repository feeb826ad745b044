//! Advisory locks that clients hold. The one backend grants them all, so who holds which is known
//! only here.

use std::sync::Arc;

use super::{
    api::{ClientId, Finding, FindingKind},
    control::{Action, Advisory},
};

/// The most that are remembered.
const LOCKS: usize = 512;

#[derive(Debug)]
struct Lock {
    number: u64,
    client: ClientId,
    key: String,
    is_shared: bool,
    /// It ends with the client's transaction.
    of_transaction: bool,
    sql: Arc<str>,
}

#[derive(Debug, Default)]
pub(super) struct AdvisoryLocks {
    held: Vec<Lock>,
    /// How many were taken; the number of the next one.
    count: u64,
}

impl AdvisoryLocks {
    /// The number of the next lock, for a savepoint to remember.
    pub(super) fn next_number(&self) -> u64 {
        self.count
    }

    /// Notes what a statement did that the backend has answered; gives what production would have
    /// kept it from.
    pub(super) fn answered(
        &mut self,
        client: ClientId,
        call: &Advisory,
        key: &str,
        sql: &Arc<str>,
        is_in_transaction: bool,
    ) -> Option<Finding> {
        match call.action {
            Action::Lock | Action::Try => {}
            Action::Unlock => {
                let is_it = |lock: &Lock| {
                    let same = (lock.client, lock.is_shared, lock.of_transaction)
                        == (client, call.is_shared, false);
                    same && lock.key == key
                };
                if let Some(at) = self.held.iter().position(is_it) {
                    self.held.remove(at);
                }
                return None;
            }
            Action::UnlockAll => {
                self.held
                    .retain(|lock| lock.client != client || lock.of_transaction);
                return None;
            }
        }
        let holder = self.held.iter().find(|lock| {
            let excludes = !(lock.is_shared && call.is_shared);
            lock.client != client && lock.key == key && excludes
        });
        let found = holder.map(|lock| Finding {
            kind: FindingKind::AdvisoryLockGranted,
            first: (lock.client, Arc::clone(&lock.sql)),
            second: (client, Arc::clone(sql)),
        });
        let lasts = !call.of_transaction || is_in_transaction;
        if lasts && self.held.len() < LOCKS {
            self.held.push(Lock {
                number: self.count,
                client,
                key: key.to_owned(),
                is_shared: call.is_shared,
                of_transaction: call.of_transaction,
                sql: Arc::clone(sql),
            });
            self.count += 1;
        }
        found
    }

    /// A client's transaction has ended.
    pub(super) fn transaction_ended(&mut self, client: ClientId) {
        self.undone(client, 0);
    }

    /// A client returned to the savepoint that remembers this number. Locks of the session outlast
    /// that.
    pub(super) fn undone(&mut self, client: ClientId, number: u64) {
        self.held
            .retain(|lock| lock.client != client || !lock.of_transaction || lock.number < number);
    }

    /// A client's connection has ended, or gives up all that it holds.
    pub(super) fn session_ended(&mut self, client: ClientId) {
        self.held.retain(|lock| lock.client != client);
    }

    pub(super) fn end_test(&mut self) {
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::AdvisoryLocks;
    use crate::{postgres::proxy::control::recognize, sql::tokens};

    /// Whether a client is found to have been granted what another one holds.
    fn meets(locks: &mut AdvisoryLocks, client: u32, sql: &str) -> bool {
        let calls = recognize(sql, &tokens(sql, false)).advisory;
        let mut is_found = false;
        for call in &calls {
            let key = call.key(&[]).expect("it is known");
            let found = locks.answered(client, call, &key, &sql.into(), true);
            is_found |= found.is_some();
        }
        is_found
    }

    #[test]
    fn what_excludes_each_other_is_found() {
        let mut locks = AdvisoryLocks::default();
        assert!(!meets(&mut locks, 1, "select pg_advisory_lock(7)"));
        assert!(!meets(&mut locks, 1, "select pg_advisory_lock(7)"));
        assert!(!meets(&mut locks, 2, "select pg_advisory_lock(8)"));
        assert!(meets(&mut locks, 2, "select pg_try_advisory_lock(7)"));
        assert!(!meets(&mut locks, 1, "select pg_advisory_lock_shared(9)"));
        assert!(!meets(&mut locks, 2, "select pg_advisory_lock_shared(9)"));
        assert!(meets(&mut locks, 3, "select pg_advisory_xact_lock(9)"));
    }

    #[test]
    fn what_is_released_is_free() {
        let mut locks = AdvisoryLocks::default();
        meets(&mut locks, 1, "select pg_advisory_lock(7)");
        meets(&mut locks, 1, "select pg_advisory_unlock(7)");
        assert!(!meets(&mut locks, 2, "select pg_try_advisory_lock(7)"));
        locks.session_ended(2);
        meets(&mut locks, 1, "select pg_advisory_xact_lock(7)");
        meets(&mut locks, 1, "select pg_advisory_unlock_all()");
        assert!(meets(&mut locks, 3, "select pg_try_advisory_lock(7)"));
        locks.session_ended(3);
        locks.transaction_ended(1);
        assert!(!meets(&mut locks, 2, "select pg_try_advisory_lock(7)"));
    }

    #[test]
    fn a_return_to_a_savepoint_releases_what_the_transaction_took_since() {
        let mut locks = AdvisoryLocks::default();
        meets(&mut locks, 1, "select pg_advisory_xact_lock(6)");
        let savepoint = locks.next_number();
        let both = "select pg_advisory_xact_lock(7), pg_advisory_lock(8)";
        meets(&mut locks, 1, both);
        locks.undone(1, savepoint);
        assert!(meets(&mut locks, 2, "select pg_try_advisory_lock(6)"));
        assert!(!meets(&mut locks, 2, "select pg_try_advisory_lock(7)"));
        assert!(meets(&mut locks, 2, "select pg_try_advisory_lock(8)"));
    }
}

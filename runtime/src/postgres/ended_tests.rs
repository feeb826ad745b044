//! The tests of this process that have ended, by the passwords of their URLs, and which of them
//! were used afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::observe::log;

static ENDED: Mutex<BTreeMap<String, &'static str>> = Mutex::new(BTreeMap::new());

static USED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Remembers a test that ends, by the password of its URL.
pub(super) fn remember(password: String, test: &'static str) {
    locked(&ENDED).insert(password, test);
}

/// Forgets an ended test; says whether there was one.
pub(super) fn forget(password: &str) -> bool {
    locked(&ENDED).remove(password).is_some()
}

/// The ended test whose URL has a password.
pub(super) fn by_password(password: &str) -> Option<&'static str> {
    locked(&ENDED).get(password).copied()
}

/// What a client gets that uses the database of an ended test.
pub(crate) fn refusal(test: &str) -> String {
    format!("db-test: the test `{test}` has ended, and with it this connection")
}

/// Notes that the database of an ended test was used, and reports it once for each test.
pub(crate) fn used(test: &'static str) {
    if locked(&USED).insert(test) {
        log::notice(format_args!(
            "{test}: it has ended, and a task that it has left still uses its database; have the test wait for \
             what it spawns, or abort it"
        ));
    }
}

/// The ended tests whose database was still used afterwards.
pub(crate) fn used_afterwards() -> Vec<&'static str> {
    locked(&USED).iter().copied().collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

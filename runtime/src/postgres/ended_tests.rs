//! The tests of this process that have ended, by the passwords of their URLs, and which of them
//! were used afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::observe::log;

static ENDED: Mutex<BTreeMap<String, &'static str>> = Mutex::new(BTreeMap::new());

static USED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The most tests that are reported.
const LISTED: usize = 5;

const HELP: &str = "what it does is refused. Have the test wait for what it spawns, abort it, or give the \
     test a runtime that ends with it: flavor = \"current_thread\"";

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
    let mut used = locked(&USED);
    if !used.insert(test) {
        return;
    }
    if let Some(text) = notice(test, used.len()) {
        log::notice(format_args!("{text}"));
    }
}

/// What is said of the `nth` test that has left a task. Where an application has a background task,
/// every test leaves one.
fn notice(test: &str, nth: usize) -> Option<String> {
    let found =
        format!("{test}: it has ended, and a task that it has left still uses its database");
    match nth {
        1 => Some(format!("{found}; {HELP}")),
        _ if nth < LISTED => Some(found),
        LISTED => Some(format!("{found}; further tests are not listed")),
        _ => None,
    }
}

/// The ended tests whose database was still used afterwards.
pub(crate) fn used_afterwards() -> Vec<&'static str> {
    locked(&USED).iter().copied().collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{LISTED, notice};

    #[test]
    fn the_first_test_is_told_what_to_do_and_only_some_are_listed() {
        let first = notice("first", 1).expect("it is reported");
        assert!(first.contains("flavor = \"current_thread\""), "{first}");
        let second = notice("second", 2).expect("it is reported");
        assert!(!second.contains("flavor"), "{second}");
        let last = notice("last", LISTED).expect("it is reported");
        assert!(last.ends_with("not listed"), "{last}");
        assert_eq!(notice("further", LISTED + 1), None);
    }
}

//! Where tests use one connection within the open transaction of another one.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The most statements that are remembered: a text may be another one in each test.
const LIMIT: usize = 1000;

/// The statements after which a transaction has stood still until another connection was let in, in
/// any test of this process. Whoever stands there again is likely to wait for that connection.
#[derive(Debug, Default)]
pub(crate) struct NestedUses(Mutex<HashSet<Arc<str>>>);

impl NestedUses {
    pub(super) fn contains(&self, last: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(last)
    }

    pub(super) fn insert(&self, last: &Arc<str>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < LIMIT {
            known.insert(Arc::clone(last));
        }
    }
}

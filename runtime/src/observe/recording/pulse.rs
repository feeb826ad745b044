//! Whether something happens on a test's connections.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

/// What the proxy says of its clients as it goes on.
#[derive(Default)]
pub(crate) struct Pulse {
    of_test: Arc<OfTest>,
    is_busy: AtomicBool,
}

/// The same of all databases of a test.
#[derive(Default)]
struct OfTest {
    count: AtomicU64,
    /// How many of them owe an answer.
    busy: AtomicU32,
}

impl Pulse {
    /// That of another database of the same test.
    pub(super) fn another(&self) -> Self {
        Self {
            of_test: Arc::clone(&self.of_test),
            is_busy: AtomicBool::new(false),
        }
    }

    /// Something was received or sent; says whether an answer is still owed.
    pub(crate) fn beat(&self, is_busy: bool) {
        match (self.is_busy.swap(is_busy, Ordering::AcqRel), is_busy) {
            (false, true) => drop(self.of_test.busy.fetch_add(1, Ordering::AcqRel)),
            (true, false) => drop(self.of_test.busy.fetch_sub(1, Ordering::AcqRel)),
            _ => {}
        }
        self.of_test.count.fetch_add(1, Ordering::AcqRel);
    }

    /// How often something has happened.
    pub(crate) fn count(&self) -> u64 {
        self.of_test.count.load(Ordering::Acquire)
    }

    /// Whether somebody waits for an answer.
    pub(crate) fn is_busy(&self) -> bool {
        self.of_test.busy.load(Ordering::Acquire) > 0
    }
}

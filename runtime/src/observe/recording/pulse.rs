//! Whether something happens on a test's connections.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What the proxy says of its clients as it goes on.
#[derive(Default)]
pub(crate) struct Pulse {
    count: AtomicU64,
    is_busy: AtomicBool,
}

impl Pulse {
    /// Something was received or sent; says whether an answer is still owed.
    pub(crate) fn beat(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Release);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// How often something has happened.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Whether somebody waits for an answer.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Acquire)
    }
}

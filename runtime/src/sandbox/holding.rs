//! How long the one connection was held at a stretch, which explains a `PoolTimedOut`.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Remembers the longest time between an acquire and its release.
#[derive(Default)]
pub(super) struct Holding(Mutex<Stretch>);

#[derive(Default)]
struct Stretch {
    since: Option<Instant>,
    longest: Duration,
}

impl Holding {
    pub(super) fn acquired(&self) {
        self.stretch().since = Some(Instant::now());
    }

    pub(super) fn released(&self) {
        let mut stretch = self.stretch();
        let held = stretch.current();
        stretch.longest = stretch.longest.max(held);
        stretch.since = None;
    }

    /// The longest stretch, with the one that is not over.
    pub(super) fn longest(&self) -> Duration {
        let stretch = self.stretch();
        stretch.longest.max(stretch.current())
    }

    fn stretch(&self) -> std::sync::MutexGuard<'_, Stretch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stretch {
    fn current(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

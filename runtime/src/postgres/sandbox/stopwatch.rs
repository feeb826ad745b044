//! Time that does not count against a test's limit.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Adds up the time spent between [`start`](Self::start) and the drop of what it returns.
#[derive(Default)]
pub(crate) struct Stopwatch(Mutex<Laps>);

#[derive(Default)]
struct Laps {
    finished: Duration,
    running_since: Option<Instant>,
}

/// A lap that is running.
pub(crate) struct Lap<'a>(&'a Stopwatch);

impl Stopwatch {
    /// Starts a lap, which ends when the value is dropped.
    pub(crate) fn start(&self) -> Lap<'_> {
        self.laps().running_since.get_or_insert_with(Instant::now);
        Lap(self)
    }

    /// The time of all laps, with the one that is running.
    pub(crate) fn elapsed(&self) -> Duration {
        let laps = self.laps();
        laps.finished
            + laps
                .running_since
                .map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn laps(&self) -> std::sync::MutexGuard<'_, Laps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lap<'_> {
    fn drop(&mut self) {
        let mut laps = self.0.laps();
        if let Some(since) = laps.running_since.take() {
            laps.finished += since.elapsed();
        }
    }
}

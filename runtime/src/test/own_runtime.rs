//! The runtime of a test that asks for one of its own: `flavor = "current_thread"`.
//!
//! It runs on the test's thread, and whatever the test has spawned ends with it. Only the arguments and the body run on
//! it: what the harness itself waits for is on the shared runtime, whose clock nobody pauses.

use std::{
    future::Future,
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::LocalSet,
};

use crate::observe::recording::{Pulse, Recording};

/// How long nothing may have happened on a test's connections before a paused clock goes on.
const QUIET: Duration = Duration::from_millis(2);

/// How often a runtime is about to sleep until its clock goes on: the first time, it remembers that it was woken by the end
/// of the work.
const TRIES: u32 = 2;

const LOOK: Duration = Duration::from_micros(500);

/// A runtime on the calling thread, and what has been spawned on it.
pub(crate) struct OwnRuntime {
    tasks: LocalSet,
    runtime: Runtime,
}

impl OwnRuntime {
    /// Makes one for a test.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has asked for a runtime of its own"
    )]
    pub(crate) fn new(recording: &Arc<Recording>, start_paused: bool) -> Self {
        let recording = Arc::downgrade(recording);
        let pacing = std::sync::Mutex::new(Pacing::default());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(start_paused)
            .thread_keep_alive(Duration::from_millis(50))
            .on_thread_park(move || {
                if let Ok(mut pacing) = pacing.try_lock() {
                    pacing.before_parking(&recording);
                }
            })
            .build()
            .expect("db-test: the test's tokio runtime could not be built");
        Self {
            tasks: LocalSet::new(),
            runtime,
        }
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(self.tasks.run_until(future))
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // What is dropped with the tasks may need the runtime.
        let _runtime = self.runtime.enter();
        drop(std::mem::take(&mut self.tasks));
    }
}

/// Keeps a paused clock from jumping to the next timer while the database has still to answer: sqlx's own limits are
/// timers, too.
///
/// tokio lets a paused clock go on when a runtime is about to sleep, unless work that blocks is running. So such work is
/// what the runtime waits for until the connections are quiet.
#[derive(Default)]
struct Pacing {
    /// How much had happened on the connections when they were last found quiet.
    quiet_at: u64,
    /// How often the clock may go on since.
    left: u32,
}

impl Pacing {
    fn before_parking(&mut self, recording: &Weak<Recording>) {
        let Some(recording) = recording.upgrade().filter(|_| is_paused()) else {
            return;
        };
        let pulse = recording.pulse();
        if self.left > 0 && self.quiet_at == pulse.count() && !pulse.is_busy() {
            self.left -= 1;
            return;
        }
        let held = Arc::clone(&recording);
        Handle::current().spawn_blocking(move || wait_for_quiet(held.pulse()));
        // That of the end is not known here; if more happens until then, one more wait follows.
        (self.quiet_at, self.left) = (pulse.count(), TRIES);
    }
}

/// Waits until nothing has happened for a moment.
fn wait_for_quiet(pulse: &Pulse) {
    let (mut count, mut since) = (pulse.count(), Instant::now());
    while since.elapsed() < QUIET {
        thread::sleep(LOOK);
        if pulse.is_busy() || pulse.count() != count {
            (count, since) = (pulse.count(), Instant::now());
        }
    }
}

/// Whether the clock of this runtime stands still, for which tokio has no question.
fn is_paused() -> bool {
    let first = tokio::time::Instant::now();
    (0..3).all(|_| tokio::time::Instant::now() == first)
}

//! The runtime of a test with `flavor = "current_thread"`.
//!
//! It runs on the test's thread, and the test's tasks end with it. Arguments, body and teardowns
//! run on it. What the harness waits for runs on the shared runtime, whose clock is never paused.

use std::{
    future::Future,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::LocalSet,
};

use crate::{
    observe::recording::{Pulse, Recording},
    test::{outcome::ArgumentError, running::Owner},
};

/// How long a test's connections must be quiet before a paused clock advances.
const QUIET: Duration = Duration::from_millis(2);

/// How often the runtime parks before its clock advances: the first time, it still has the wake-up
/// from the end of the blocking work.
const PARKS: u32 = 2;

/// How often the connections are checked.
const INTERVAL: Duration = Duration::from_micros(500);

/// A runtime on the calling thread, with the tasks that were spawned on it.
pub(crate) struct OwnRuntime {
    tasks: LocalSet,
    runtime: Runtime,
}

impl OwnRuntime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test has chosen its own runtime"
    )]
    pub(crate) fn new(
        recording: &Arc<Recording>,
        start_paused: bool,
        owner: Owner,
    ) -> Result<Self, ArgumentError> {
        owner.own_this_thread();
        let recording = Arc::downgrade(recording);
        let pacing = std::sync::Mutex::new(Pacing::default());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(start_paused)
            .thread_keep_alive(Duration::from_millis(50))
            .on_thread_start(move || owner.own_this_thread())
            .on_thread_park(move || {
                if let Ok(mut pacing) = pacing.try_lock() {
                    pacing.before_parking(&recording);
                }
            })
            .build()
            .map_err(|error| ArgumentError {
                type_name: "tokio::runtime::Runtime",
                cause: error.into(),
            })?;
        Ok(Self {
            tasks: LocalSet::new(),
            runtime,
        })
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime
            .block_on(self.tasks.run_until(Owner::test(future)))
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // The drop of a value in a task may need the runtime.
        let _runtime = self.runtime.enter();
        drop(std::mem::take(&mut self.tasks));
    }
}

/// Keeps a paused clock from jumping to the next timer while an answer of the database is pending:
/// sqlx's limits are timers, too.
///
/// tokio advances a paused clock when the runtime parks, unless a blocking task is running. So a
/// blocking task runs until the connections are quiet.
#[derive(Default)]
struct Pacing {
    /// How much had happened on the connections when they were last found quiet.
    quiet_at: u64,
    /// How many parks may follow without another check.
    left: u32,
    /// Whether a blocking task waits. Its end wakes the runtime, which then parks anew.
    is_waiting: Arc<AtomicBool>,
}

impl Pacing {
    fn before_parking(&mut self, recording: &Weak<Recording>) {
        let Some(recording) = recording.upgrade().filter(|_| is_paused()) else {
            return;
        };
        if self.is_waiting.load(Ordering::Acquire) {
            return;
        }
        let pulse = recording.pulse();
        if self.left > 0 && is_still(pulse, self.quiet_at) {
            self.left -= 1;
            return;
        }
        self.is_waiting.store(true, Ordering::Release);
        let (held, is_waiting) = (Arc::clone(&recording), Arc::clone(&self.is_waiting));
        Handle::current().spawn_blocking(move || {
            wait_for_quiet(held.pulse());
            is_waiting.store(false, Ordering::Release);
        });
        // The count at the end of that wait is not known here. If it is higher, one more wait
        // follows.
        (self.quiet_at, self.left) = (pulse.count(), PARKS);
    }
}

/// Whether nothing has happened since, and this thread has sent nothing that is still to be read:
/// on a busy machine, the proxy may not have had its turn.
fn is_still(pulse: &Pulse, quiet_at: u64) -> bool {
    let is_still = || pulse.count() == quiet_at && !pulse.is_busy();
    is_still() && pulse.probe() && is_still()
}

/// Blocks until the connections have been quiet for [`QUIET`].
fn wait_for_quiet(pulse: &Pulse) {
    let (mut count, mut since) = (pulse.count(), Instant::now());
    while since.elapsed() < QUIET {
        thread::sleep(INTERVAL);
        if pulse.is_busy() || pulse.count() != count {
            (count, since) = (pulse.count(), Instant::now());
        }
    }
}

/// Whether the clock of this runtime is paused, which tokio cannot tell.
fn is_paused() -> bool {
    let first = tokio::time::Instant::now();
    (0..3).all(|_| tokio::time::Instant::now() == first)
}

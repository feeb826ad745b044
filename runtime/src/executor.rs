//! The one runtime of the process: every test, handler and pool lives on it.
//!
//! It is built before `main` (`process.rs`). A thread inherits libtest's output capture from the
//! thread that spawns it: if the first test spawned the workers, they would print into that test's
//! buffer for the rest of the run.

pub(crate) mod panics;
pub(crate) mod short_backtrace;

use std::{
    cell::Cell,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// The name of the runtime's threads.
pub(crate) const THREAD_NAME: &str = "db-test";

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Background tasks that may still run.
static BACKGROUND: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

thread_local! {
    /// Whether this thread polls for the shared runtime.
    static IS_SHARED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the process exits because the runtime does not respond.
static IS_ABANDONED: AtomicBool = AtomicBool::new(false);

/// The exit code of libtest when tests have failed.
const FAILED: i32 = 101;

/// Builds the runtime.
pub(crate) fn start() {
    runtime();
}

/// Exits the process without using the runtime, which does not respond.
pub(crate) fn abandon() -> ! {
    IS_ABANDONED.store(true, Ordering::Release);
    std::process::exit(FAILED)
}

/// Whether the process exits because the runtime does not respond.
pub(crate) fn is_abandoned() -> bool {
    IS_ABANDONED.load(Ordering::Acquire)
}

/// Runs a future to its end on the shared runtime, on the calling thread.
///
/// The future stays on the calling thread, so it need not be `Send`, and libtest captures its
/// output for the test that called.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let _polling = Polling::begin();
    runtime().block_on(future)
}

/// While it exists, its thread polls for the shared runtime.
struct Polling {
    before: bool,
}

impl Polling {
    fn begin() -> Self {
        let before = IS_SHARED.replace(true);
        Self { before }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        IS_SHARED.set(self.before);
    }
}

/// Spawns a future on the shared runtime.
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime().spawn(future)
}

/// Spawns work that no test waits for. The end of the process waits for it, up to a limit.
pub(crate) fn spawn_in_background(work: impl Future<Output = ()> + Send + 'static) {
    let mut background = background();
    background.retain(|task| !task.is_finished());
    background.push(spawn(work));
}

/// Runs blocking work on a thread of its own; on the caller's, if no thread can be started.
///
/// # Panics
///
/// When the work does.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, doing) = oneshot::channel();
    let work = Arc::new(Mutex::new(Some(move || drop(done.send(work())))));
    let taken = Arc::clone(&work);
    let working = move || {
        let work = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            work();
        }
    };
    let thread = thread::Builder::new().name("db-test-wait".to_owned());
    if thread.spawn(working.clone()).is_err() {
        working();
    }
    doing.await.expect("db-test: the blocking work panicked")
}

/// Waits for the work in the background, and for what that work has started.
pub(crate) async fn background_ends() {
    loop {
        let work = std::mem::take(&mut *background());
        if work.is_empty() {
            return;
        }
        join_all(work).await;
    }
}

fn background() -> MutexGuard<'static, Vec<JoinHandle<()>>> {
    BACKGROUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enters the shared runtime if this thread has entered none, for constructors that spawn.
pub(crate) fn enter() -> Option<tokio::runtime::EnterGuard<'static>> {
    Handle::try_current().is_err().then(|| runtime().enter())
}

/// Whether the caller runs on a runtime of its own.
pub(crate) fn is_elsewhere() -> bool {
    // `Handle::id` would tell, but older versions of tokio lack it.
    Handle::try_current().is_ok() && !IS_SHARED.get()
}

/// Runs a future on the shared runtime, whatever runtime the caller uses: what the harness waits
/// for must not depend on the clock of a test's own runtime.
pub(crate) async fn shared<F>(future: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    if !is_elsewhere() {
        return future.await;
    }
    match spawn(future).await {
        Ok(output) => output,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Runs a future on the shared runtime and blocks the calling thread until it is done, for callers
/// that are not async.
///
/// # Panics
///
/// When the future does.
pub(crate) fn wait_for<F>(future: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    let (done, doing) = std::sync::mpsc::channel();
    spawn(async move { done.send(future.await).ok() });
    let waiting = || doing.recv().expect("db-test: the future did not end");
    // Lets another thread of the shared runtime take over the tasks of this one.
    if thread::current().name() == Some(THREAD_NAME) {
        tokio::task::block_in_place(waiting)
    } else {
        waiting()
    }
}

/// Runs a future up to a limit, by a clock that is never paused.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    if !is_elsewhere() {
        return timeout(limit, future).await.ok();
    }
    let (ring, is_over) = oneshot::channel();
    let alarm = spawn(async move {
        tokio::time::sleep(limit).await;
        ring.send(()).ok();
    });
    let ended = tokio::select! {
        biased;
        output = future => Some(output),
        _ = is_over => None,
    };
    alarm.abort();
    ended
}

fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .thread_name(THREAD_NAME)
            // A thread for blocking work inherits the output capture of the test that first needed
            // it, so it must not live until another test needs one.
            .thread_keep_alive(Duration::from_millis(1))
            .on_thread_start(|| IS_SHARED.set(true))
            .enable_all()
            .build()
            .expect("db-test: the tokio runtime could not be built")
    })
}

//! The running tests, to which panics of tasks are attributed, and the ended tests that still hold
//! something.
//!
//! A task runs on a thread of the shared runtime, which does not know the test that spawned it. So
//! its panic is attributed to all tests that are running: to the right one alone where tests run
//! one after the other.

use std::{
    panic::{self, PanicHookInfo},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use crate::{
    executor::{THREAD_NAME, panics::text_of},
    observe::{log, recording::Recording},
};

static RUNNING: Mutex<Vec<Arc<Running>>> = Mutex::new(Vec::new());

/// How many tests a message about a task names.
const NAMED: usize = 2;

struct Running {
    name: &'static str,
    since: Instant,
    /// Set when its session is known.
    limit: OnceLock<Duration>,
    panics: Mutex<Vec<String>>,
}

/// A test that runs longer than its limit.
pub(crate) struct Overdue {
    pub(crate) test: &'static str,
    pub(crate) limit: Duration,
    pub(crate) ran: Duration,
}

/// The recordings of ended tests. One lives as long as the pool or the context of its test is held.
static ENDED: Mutex<Vec<Weak<Recording>>> = Mutex::new(Vec::new());

/// Keeps a test among the running ones until it is dropped.
pub(crate) struct Presence(Arc<Running>);

/// Adds a test that begins.
pub(crate) fn enter(name: &'static str) -> Presence {
    let running = Arc::new(Running {
        name,
        since: Instant::now(),
        limit: OnceLock::new(),
        panics: Mutex::default(),
    });
    list().push(Arc::clone(&running));
    Presence(running)
}

/// The running tests that exceed their limit by more than this.
pub(crate) fn overdue(grace: Duration) -> Vec<Overdue> {
    let running = list();
    let overdue = running.iter().filter_map(|running| {
        let (limit, ran) = (*running.limit.get()?, running.since.elapsed());
        let test = running.name;
        (ran > limit + grace).then_some(Overdue { test, limit, ran })
    });
    overdue.collect()
}

/// Adds the recording of a test that has ended.
pub(crate) fn ended(recording: &Arc<Recording>) {
    let mut ended = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
    // Only when the list would grow: if many are held, checking them at each end would be
    // quadratic.
    if ended.len() == ended.capacity() {
        ended.retain(|recording| recording.strong_count() > 0);
    }
    ended.push(Arc::downgrade(recording));
}

/// The ended tests whose pool or context is still held.
pub(crate) fn still_held() -> Vec<&'static str> {
    let ended = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
    let held = ended.iter().filter_map(Weak::upgrade);
    let mut tests: Vec<_> = held.map(|recording| recording.test()).collect();
    // The recordings of one test's databases stand side by side.
    tests.dedup();
    tests
}

impl Presence {
    /// Sets the time limit of the test.
    pub(crate) fn limit(&self, limit: Duration) {
        self.0.limit.get_or_init(|| limit);
    }

    /// The panics of tasks that may be the test's.
    pub(crate) fn panics_of_tasks(&self) -> Vec<String> {
        let panics = &self.0.panics;
        panics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        list().retain(|running| !Arc::ptr_eq(running, &self.0));
    }
}

fn list() -> MutexGuard<'static, Vec<Arc<Running>>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Installs a panic hook, in addition to the present one, that attributes panics on the runtime's
/// threads to tests.
pub(crate) fn watch_tasks() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        hook(info);
        if thread::current().name() == Some(THREAD_NAME) {
            task_panicked(info);
        }
    }));
}

fn task_panicked(info: &PanicHookInfo<'_>) {
    let text = text_of(info.payload());
    let place = info
        .location()
        .map_or_else(String::new, |place| format!(" at {place}"));
    let running = list().clone();
    for test in &running {
        let others = running.iter().filter(|other| !Arc::ptr_eq(other, test));
        let others = any_of(others.map(|other| other.name));
        let whose = if others.is_empty() {
            "a spawned task".to_owned()
        } else {
            format!("a task of this test, or of {others} (running at the same time),")
        };
        let mut panics = test.panics.lock().unwrap_or_else(PoisonError::into_inner);
        panics.push(format!("{whose} panicked{place}: {text}"));
    }
    let first_line = text.lines().next().unwrap_or_default();
    match any_of(running.iter().map(|test| test.name)) {
        names if names.is_empty() => log::notice(format_args!(
            "a task panicked{place} while no test was running: {first_line}"
        )),
        names => log::notice(format_args!(
            "a task of {names} panicked{place}: {first_line}"
        )),
    }
}

/// The names as a list that is shortened if there are many.
fn any_of(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.collect();
    let shown = names.iter().take(NAMED).map(|name| format!("`{name}`"));
    let mut shown: Vec<_> = shown.collect();
    match names.len().saturating_sub(NAMED) {
        0 => {}
        1 => shown.push("one more".to_owned()),
        more => shown.push(format!("{more} more")),
    }
    shown.join(" or ")
}

//! The running tests, to which panics of tasks are attributed, and the ended tests that still hold
//! something.
//!
//! A task runs on a thread of the shared runtime, which does not know the test that spawned it. So
//! its panic is attributed to all tests that are running: to the right one alone where tests run
//! one after the other. The threads of a test's own runtime know their test.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    panic::{self, PanicHookInfo},
    pin::pin,
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

thread_local! {
    /// The test whose own runtime this thread belongs to.
    static OWNER: RefCell<Weak<Running>> = const { RefCell::new(Weak::new()) };
    /// Whether this thread polls the test itself, whose panics its outcome knows.
    static POLLS_THE_TEST: Cell<bool> = const { Cell::new(false) };
}

/// Keeps a test among the running ones until it is dropped.
pub(crate) struct Presence(Arc<Running>);

/// The test that a runtime belongs to.
#[derive(Clone)]
pub(crate) struct Owner(Weak<Running>);

impl Owner {
    /// Attributes the panics of tasks on this thread to the test, from now on.
    pub(crate) fn own_this_thread(&self) {
        OWNER.set(self.0.clone());
    }

    /// Polls the test itself. What panics on this thread meanwhile is no task.
    pub(crate) async fn test<F: Future>(test: F) -> F::Output {
        let mut test = pin!(test);
        poll_fn(|cx| {
            POLLS_THE_TEST.set(true);
            let polled = test.as_mut().poll(cx);
            POLLS_THE_TEST.set(false);
            polled
        })
        .await
    }
}

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

    pub(crate) fn owner(&self) -> Owner {
        Owner(Arc::downgrade(&self.0))
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

/// Installs a panic hook, in addition to the present one, that attributes panics on the threads of
/// runtimes to tests.
pub(crate) fn watch_tasks() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        hook(info);
        let owner = OWNER.try_with(|owner| owner.borrow().upgrade());
        if let Some(owner) = owner.ok().flatten() {
            if !POLLS_THE_TEST.get() {
                task_panicked(info, &[owner]);
            }
        } else if thread::current().name() == Some(THREAD_NAME) {
            let running = list().clone();
            task_panicked(info, &running);
        }
    }));
}

/// Attributes a panic to the tests that may have spawned the task.
fn task_panicked(info: &PanicHookInfo<'_>, running: &[Arc<Running>]) {
    let text = text_of(info.payload());
    let place = info
        .location()
        .map_or_else(String::new, |place| format!(" at {place}"));
    for test in running {
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

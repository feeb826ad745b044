//! The tests that are running, with which the panic of a task is told.
//!
//! A task runs on a thread of the shared runtime, and nothing there says which test has spawned it. So it is told
//! with all tests that were running, which is one where the tests run one after the other.

use std::{
    panic::{self, PanicHookInfo},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::{announce::announce, executor::THREAD_NAME, panics::text_of};

static RUNNING: Mutex<Vec<Arc<Running>>> = Mutex::new(Vec::new());

/// How many tests are named beside the one that is told of.
const NAMED: usize = 2;

struct Running {
    name: &'static str,
    panics: Mutex<Vec<String>>,
}

/// The presence of a test among those that are running.
pub(crate) struct Presence(Arc<Running>);

/// Enters a test that begins.
pub(crate) fn enter(name: &'static str) -> Presence {
    let running = Arc::new(Running {
        name,
        panics: Mutex::default(),
    });
    list().push(Arc::clone(&running));
    Presence(running)
}

impl Presence {
    /// What the tasks that may be the test's have panicked with.
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

/// Has panics on the threads of the shared runtime told with the running tests, after what the hook that was
/// there prints of them.
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
            "a task that was spawned".to_owned()
        } else {
            format!("a task of this test, or of {others}, which ran at the same time,")
        };
        let mut panics = test.panics.lock().unwrap_or_else(PoisonError::into_inner);
        panics.push(format!("{whose} panicked{place}: {text}"));
    }
    let first_line = text.lines().next().unwrap_or_default();
    match any_of(running.iter().map(|test| test.name)) {
        names if names.is_empty() => announce(format_args!(
            "a task panicked{place} while no test was running: {first_line}"
        )),
        names => announce(format_args!(
            "a task of {names} panicked{place}: {first_line}"
        )),
    }
}

/// A list of names, of which not all are in it if there are many.
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

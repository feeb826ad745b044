//! A thread that ends the process when the shared runtime no longer responds.
//!
//! Time limits are timers of the runtime. A task that never yields occupies one of its threads.
//! When tasks occupy all of them, no timer fires, and all tests would hang.

use std::{
    fmt::Write,
    sync::{Once, mpsc},
    thread,
    time::Duration,
};

use crate::{
    executor,
    observe::log,
    postgres,
    test::running::{self, Overdue},
};

/// How often the running tests are checked.
const INTERVAL: Duration = Duration::from_millis(500);

/// How far a test may exceed its limit before the runtime is checked.
const GRACE: Duration = Duration::from_secs(2);

/// How long the runtime may take to respond, in parts: while a process is suspended, at most one
/// part passes.
const PART: Duration = Duration::from_millis(500);
const PARTS: u32 = 10;

/// Starts the thread, once in a process.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let thread = thread::Builder::new().name("db-test-watchdog".to_owned());
        // Tests run without it, too.
        thread.spawn(watch).ok();
    });
}

fn watch() {
    loop {
        thread::sleep(INTERVAL);
        if !running::overdue(GRACE).is_empty() && !runtime_responds() {
            // Computed again: some may have ended in the meantime.
            give_up(&running::overdue(GRACE));
        }
    }
}

fn runtime_responds() -> bool {
    let (answer, answered) = mpsc::channel();
    executor::spawn(async move { answer.send(()).ok() });
    (0..PARTS).any(|_| answered.recv_timeout(PART).is_ok())
}

fn give_up(overdue: &[Overdue]) -> ! {
    log::notice(described(overdue, &suspects()));
    executor::abandon();
}

/// The ended tests whose tasks may occupy the runtime: those that have used their database after
/// their end, and those whose pool or context is still held.
fn suspects() -> Vec<&'static str> {
    let mut suspects = postgres::used_afterwards();
    for test in running::still_held() {
        if !suspects.contains(&test) {
            suspects.push(test);
        }
    }
    suspects
}

fn described(overdue: &[Overdue], suspects: &[&'static str]) -> String {
    let seconds = (PART * PARTS).as_secs();
    let mut text = format!(
        "the runtime that all tests share has not responded for {seconds} s: tasks that never yield occupy all of its \
         threads; this process exits"
    );
    for Overdue { test, limit, ran } in overdue {
        let seconds = ran.as_secs_f64();
        let line = format_args!("\n  hangs: {test} (limit {limit:?}, running for {seconds:.0} s)");
        write!(text, "{line}").ok();
    }
    for test in suspects {
        let why = "has ended, but a task of it still holds its database";
        write!(text, "\n  suspected: {test}, which {why}").ok();
    }
    text += "\n  abort or await the tasks that a test spawns; with #[db_test(flavor = \"current_thread\")] they end with their test";
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Overdue, described};

    #[test]
    fn hanging_and_suspected_tests_are_named() {
        let overdue = Overdue {
            test: "it::hangs",
            limit: Duration::from_secs(3),
            ran: Duration::from_secs(12),
        };
        let text = described(&[overdue], &["it::has_ended"]);
        assert!(
            text.contains("hangs: it::hangs (limit 3s, running for 12 s)"),
            "{text}"
        );
        assert!(
            text.contains("suspected: it::has_ended, which has ended"),
            "{text}"
        );
    }
}

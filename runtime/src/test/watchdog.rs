//! A thread that ends the process when the shared runtime has stopped to answer.
//!
//! A time limit is a timer of the runtime. A task that never yields takes a thread of the runtime for itself; when
//! as many do as there are threads, no timer fires any more, and all tests would hang.

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

/// How often the running tests are looked at.
const ROUND: Duration = Duration::from_millis(500);

/// So long after its limit has passed may a test still run before the runtime is asked.
const GRACE: Duration = Duration::from_secs(2);

/// How long the runtime may take to answer, in parts: of a process that was stopped meanwhile, only one part has passed.
const PART: Duration = Duration::from_millis(500);
const PARTS: u32 = 10;

/// Starts the thread, once in a process.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let thread = thread::Builder::new().name("db-test-watchdog".to_owned());
        // Without it, a test that hangs hangs.
        thread.spawn(watch).ok();
    });
}

fn watch() {
    loop {
        thread::sleep(ROUND);
        if !running::overdue(GRACE).is_empty() && !runtime_answers() {
            // Those that have ended in the meantime are not named.
            give_up(&running::overdue(GRACE));
        }
    }
}

fn runtime_answers() -> bool {
    let (answer, answered) = mpsc::channel();
    executor::spawn(async move { answer.send(()).ok() });
    (0..PARTS).any(|_| answered.recv_timeout(PART).is_ok())
}

fn give_up(overdue: &[Overdue]) -> ! {
    log::notice(described(overdue, &suspects()));
    executor::abandon();
}

/// The ended tests whose tasks may be what runs: those that have used their database since, and those whose database
/// somebody still holds.
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
        "the runtime that all tests share has not answered for {seconds} s, so this process ends here: tasks that never yield \
         hold all of its threads"
    );
    for Overdue { test, limit, ran } in overdue {
        let seconds = ran.as_secs_f64();
        let line = format_args!("\n  hangs: {test} (limit {limit:?}, running for {seconds:.0} s)");
        write!(text, "{line}").ok();
    }
    for test in suspects {
        let why = "has ended, and something of it still holds its database";
        write!(text, "\n  suspected: {test}, which {why}").ok();
    }
    text += "\n  have each test abort or await what it spawns; with #[db_test(flavor = \"current_thread\")] all tasks of a test end with it";
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Overdue, described};

    #[test]
    fn who_hangs_and_who_is_suspected_is_named() {
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

//! Runs tests of this binary once more, in a process of their own.
//!
//! Some tests are about tests that fail, and about processes. Those *inner* tests stand in the same
//! binary as ordinary tests, and pass when they are run as such. In a child, [`in_child`] is true
//! and they do what their name says, and the test that runs them reads what they print:
//!
//! ```ignore
//! #[db_test]
//! async fn panicking() {
//!     assert!(!in_child(), "panicking in a child");
//! }
//!
//! #[test]
//! fn a_panic_is_in_the_report() {
//!     child::run("panicking", &[]).assert_failed_with("panicking in a child");
//! }
//! ```
//!
//! A child that does not end in time is killed, and the test that waits for it fails with what it
//! has printed.

mod environment;
mod finished;
mod running;

use std::{env, fmt::Display, process::Command};

pub use environment::clear_environment;
pub use finished::Finished;
pub use running::{Running, Streams};

/// Set in a child and nowhere else.
const MARK: &str = "DB_TEST_CHILD";

/// Whether this process is a child.
pub fn in_child() -> bool {
    env::var_os(MARK).is_some()
}

/// Runs the tests whose names contain a text, in a child with these environment variables.
#[track_caller]
pub fn run(filter: &str, environment: &[(&str, &str)]) -> Finished {
    start(filter, environment).finish()
}

/// Starts what [`run`] runs, without waiting for its end.
#[track_caller]
pub fn start(filter: &str, environment: &[(&str, &str)]) -> Running {
    Child::matching(filter).envs(environment).start()
}

/// Prints a line that the parent finds by its label: [`Finished::said`].
pub fn say(label: &str, value: impl Display) {
    eprintln!("{label}: {value}");
}

/// Tests of this binary, which are to be run in a child.
#[must_use]
pub struct Child {
    command: Command,
}

impl Child {
    /// The tests whose names contain a text, on two threads. One must exist.
    pub fn matching(filter: &str) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program has a file"));
        clear_environment(&mut command);
        command
            .arg(filter)
            .env(MARK, "1")
            .env("RUST_BACKTRACE", "0")
            .env("RUST_TEST_THREADS", "2");
        Self { command }
    }

    /// The named tests of a module, one after the other in the order of their names, without
    /// libtest's capture.
    pub fn exactly(module: &str, tests: &[&str]) -> Self {
        let [first, others @ ..] = tests else {
            panic!("no test is named");
        };
        let mut child = Self::matching(&format!("{module}::{first}")).threads(1);
        child
            .command
            .args(others.iter().map(|test| format!("{module}::{test}")))
            .args(["--exact", "--nocapture"]);
        child
    }

    /// Runs so many of them at the same time.
    pub fn threads(self, threads: usize) -> Self {
        self.env("RUST_TEST_THREADS", threads.to_string())
    }

    /// Sets an environment variable.
    pub fn env(mut self, variable: &str, value: impl AsRef<str>) -> Self {
        self.command.env(variable, value.as_ref());
        self
    }

    /// Sets several.
    pub fn envs(mut self, variables: &[(&str, &str)]) -> Self {
        self.command.envs(variables.iter().copied());
        self
    }

    /// Lets the tests print without libtest's capture.
    pub fn without_capture(mut self) -> Self {
        self.command.arg("--nocapture");
        self
    }

    /// Starts them, without waiting for their end.
    #[track_caller]
    pub fn start(mut self) -> Running {
        Running::spawn(&mut self.command, Streams::Both)
    }

    /// Runs them to their end.
    #[track_caller]
    pub fn run(self) -> Finished {
        self.start().finish()
    }
}

//! Runs tests of this binary once more, in a process of their own.
//!
//! Some tests are about tests that fail, and about processes. Those *inner* tests stand in the
//! same binary as ordinary tests, and pass when they are run as such. Here they are run as a
//! child, where [`here`] tells them to do what their name says, and what they print is read.

#[path = "../../../runtime/tests/child/environment.rs"]
mod environment;

use std::{env, process::Command};

/// Set in a child and nowhere else.
const MARK: &str = "DEMO_APP_CHILD";

/// Whether this process is such a child.
pub(crate) fn here() -> bool {
    env::var_os(MARK).is_some()
}

/// Tests that are to be run.
pub(crate) struct Child {
    command: Command,
    tests: usize,
    threads: usize,
}

/// What came of them.
pub(crate) struct Outcome {
    passed: bool,
    text: String,
}

impl Child {
    /// The named tests of a module, one after the other in the order of their names.
    pub(crate) fn running(module: &str, tests: &[&str]) -> Self {
        let mut command = Command::new(env::current_exe().expect("a process knows its program"));
        environment::leave_out(&mut command);
        command.args(tests.iter().map(|test| format!("{module}::{test}")));
        command
            .args(["--exact", "--nocapture"])
            .env(MARK, "1")
            .env("RUST_BACKTRACE", "0");
        Self {
            command,
            tests: tests.len(),
            threads: 1,
        }
    }

    /// All of them at the same time.
    pub(crate) fn at_once(mut self) -> Self {
        self.threads = self.tests;
        self
    }

    /// With an environment variable.
    pub(crate) fn with(mut self, variable: &str, value: impl AsRef<str>) -> Self {
        self.command.env(variable, value.as_ref());
        self
    }

    /// Runs them and waits for the end.
    pub(crate) fn run(mut self) -> Outcome {
        self.command.arg(format!("--test-threads={}", self.threads));
        let output = self
            .command
            .output()
            .expect("the program of this process can be started");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(
            text.contains(&format!("running {} test", self.tests)),
            "{text}"
        );
        Outcome {
            passed: output.status.success(),
            text,
        }
    }
}

impl Outcome {
    /// All of the tests passed.
    pub(crate) fn assert_passed(&self) {
        assert!(self.passed, "the child failed:\n{}", self.text);
    }

    /// A test failed, and this text tells how.
    pub(crate) fn assert_failed_with(&self, text: &str) {
        assert!(!self.passed, "the child passed:\n{}", self.text);
        assert!(
            self.text.contains(text),
            "the child does not say `{text}`:\n{}",
            self.text
        );
    }

    /// A test failed, and this is what was printed.
    pub(crate) fn failed(&self) -> &str {
        assert!(!self.passed, "the child passed:\n{}", self.text);
        &self.text
    }

    /// This text was not printed.
    pub(crate) fn assert_silent_about(&self, text: &str) {
        assert!(
            !self.text.contains(text),
            "the child says `{text}`:\n{}",
            self.text
        );
    }

    /// What the tests [said](say) under a label, which they did at least once.
    pub(crate) fn said(&self, label: &str) -> Vec<&str> {
        let lines = self.text.lines();
        let said: Vec<_> = lines
            .filter_map(|line| line.strip_prefix(label)?.strip_prefix(": "))
            .collect();
        assert!(
            !said.is_empty(),
            "the child says nothing about `{label}`:\n{}",
            self.text
        );
        said
    }
}

/// Tells the parent something.
pub(crate) fn say(label: &str, value: impl std::fmt::Display) {
    eprintln!("{label}: {value}");
}

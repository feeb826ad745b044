//! A process that uses a server.

use std::process::Command;

use child::{Finished, Running, Streams};
use rustix::process::Pid;

use crate::client::{JOINED, SERVED, STAYS};

/// Killed when dropped.
pub(crate) struct User(Running);

impl User {
    /// Starts a process that stays until [`leave`](Self::leave).
    pub(crate) fn staying(command: &mut Command) -> Self {
        Self(Running::spawn(command.env(STAYS, "1"), Streams::Error))
    }

    /// Waits until it has a database; gives what it printed before.
    pub(crate) fn expect_joined(&mut self) -> String {
        let before = self.0.wait_for(JOINED);
        // Printed after a second, which a busy machine takes.
        let mut lines: Vec<&str> = before.lines().collect();
        lines.retain(|line| !line.contains(" a private PostgreSQL ") && !line.contains("template"));
        lines.join("\n")
    }

    /// Has it use its database once more.
    pub(crate) fn expect_served(&mut self) {
        self.0.write_line();
        self.0.wait_for(SERVED);
    }

    pub(crate) fn id(&self) -> Pid {
        Pid::from_child(self.0.process())
    }

    pub(crate) fn kill(self) {
        self.0.kill();
    }

    /// Ends it, and expects that its test passes.
    pub(crate) fn leave(self) {
        self.end().assert_passed();
    }

    /// Ends it.
    pub(crate) fn end(self) -> Finished {
        self.0.finish()
    }
}

/// Runs a process to its end.
pub(crate) fn run(command: &mut Command) -> Finished {
    Running::spawn(command, Streams::Error).finish()
}

/// What a process prints that gets no server.
pub(crate) fn refusal(command: &mut Command) -> String {
    let refused = run(command);
    refused.assert_failed();
    refused.output
}

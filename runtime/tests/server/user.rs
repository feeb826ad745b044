//! A process that uses a server.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
};

use rustix::process::Pid;

use crate::{
    child::{JOINED, SERVED, STAYS},
    machine::{LIMIT, until},
};

/// Killed when dropped.
pub(crate) struct User {
    process: Child,
    /// The lines of its standard error; the end of them when nobody can write there any more.
    lines: Receiver<String>,
}

impl User {
    /// Starts a process that stays until it is told to leave.
    pub(crate) fn staying(command: &mut Command) -> Self {
        Self::start(command.env(STAYS, "1"))
    }

    fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let stderr = BufReader::new(process.stderr.take().expect("it is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self { process, lines }
    }

    /// Waits until it has a database; gives what it said before.
    pub(crate) fn expect_joined(&mut self) -> String {
        let before = self.hear(JOINED);
        // Said after a second, which a busy machine takes.
        let mut lines: Vec<&str> = before.lines().collect();
        lines.retain(|line| !line.contains(" a private PostgreSQL ") && !line.contains("template"));
        lines.join("\n")
    }

    /// Asks it to use its database once more.
    pub(crate) fn expect_served(&mut self) {
        let mut stdin = self.process.stdin.as_ref().expect("it is piped");
        stdin.write_all(b"\n").expect("it listens");
        self.hear(SERVED);
    }

    fn hear(&mut self, awaited: &str) -> String {
        let mut before = String::new();
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) if line == awaited => return before,
                Ok(line) => before = before + &line + "\n",
                Err(problem) => panic!("it never said `{awaited}` ({problem}), but: {before}"),
            }
        }
    }

    pub(crate) fn id(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it is ours");
        self.end();
    }

    /// Tells it to leave, and expects that its test passes.
    pub(crate) fn leave(mut self) {
        let (success, said) = self.end();
        assert!(success, "{said}");
    }

    /// Waits for its end and that of what it says; whether it succeeded, and what it said since it was last heard.
    pub(crate) fn end(&mut self) -> (bool, String) {
        drop(self.process.stdin.take());
        let mut said = String::new();
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => said = said + &line + "\n",
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("its standard error stays open: {said}"),
            }
        }
        let mut status = None;
        until(LIMIT, || {
            status = self.process.try_wait().expect("it is ours");
            status.is_some()
        });
        (status.expect("it ends").success(), said)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a process to its end; whether its test passed, and what it said.
pub(crate) fn run(command: &mut Command) -> (bool, String) {
    User::start(command).end()
}

/// What a process says that does not get a server.
pub(crate) fn refusal(command: &mut Command) -> String {
    let (success, said) = run(command);
    assert!(!success, "it joined: {said}");
    said
}

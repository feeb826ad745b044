//! A child that runs: what it prints is read as it comes, and nothing waits for it without a limit.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child as Process, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use crate::Finished;

/// More than any child takes, on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_mins(3);

/// What is read of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Standard output and standard error.
    Both,
    /// Standard error, where libtest prints nothing.
    Error,
}

/// A child that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    process: Process,
    /// How long anything waits for it.
    limit: Duration,
    /// Its lines as they come; the end of them when no process can write there any more.
    lines: Receiver<Line>,
    /// What was read already.
    output: Vec<u8>,
    error: Vec<u8>,
}

#[derive(Debug)]
enum Line {
    Output(Vec<u8>),
    Error(Vec<u8>),
}

impl Running {
    /// Starts a command.
    #[track_caller]
    pub fn spawn(command: &mut Command, streams: Streams) -> Self {
        let output = match streams {
            Streams::Both => Stdio::piped(),
            Streams::Error => Stdio::null(),
        };
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the child can be started");
        let (sender, lines) = channel();
        if let Some(stdout) = process.stdout.take() {
            read(stdout, Line::Output, sender.clone());
        }
        if let Some(stderr) = process.stderr.take() {
            read(stderr, Line::Error, sender);
        }
        let (output, error) = Default::default();
        Self {
            process,
            limit: LIMIT,
            lines,
            output,
            error,
        }
    }

    /// Waits for it no longer than this from now on, in place of three minutes.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Writes an empty line to its standard input.
    #[track_caller]
    pub fn write_line(&mut self) {
        let mut stdin = self.process.stdin.as_ref().expect("it is piped");
        stdin.write_all(b"\n").expect("the child reads its input");
    }

    /// Waits until it prints a line; gives what it printed before that, since it was last waited
    /// for.
    #[track_caller]
    pub fn wait_for(&mut self, awaited: &str) -> String {
        self.wait_until(awaited, |line| line.trim_end() == awaited)
    }

    /// Waits until it prints a line that contains a text.
    #[track_caller]
    pub fn wait_for_part(&mut self, awaited: &str) {
        self.wait_until(awaited, |line| line.contains(awaited));
    }

    #[track_caller]
    fn wait_until(&mut self, awaited: &str, is_awaited: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + self.limit;
        let mut before = String::new();
        loop {
            let line = match self.next_line(deadline) {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => panic!(
                    "the child ended before it printed `{awaited}`:\n{}",
                    self.printed()
                ),
                Err(RecvTimeoutError::Timeout) => self.give_up(&format!("print `{awaited}`")),
            };
            if is_awaited(&line) {
                return before;
            }
            before += &line;
        }
    }

    /// Kills it and waits for its end.
    #[track_caller]
    pub fn kill(mut self) {
        self.process.kill().expect("the child can be killed");
        self.process.wait().expect("the child ends");
    }

    /// Closes its standard input, and waits for its end and for that of what it prints.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        drop(self.process.stdin.take());
        let deadline = Instant::now() + self.limit;
        loop {
            match self.next_line(deadline) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.give_up("end"),
            }
        }
        let status = self.process.wait().expect("the child ends");
        let output = self.printed();
        assert!(
            !output.contains("\nrunning 0 tests\n"),
            "the filter matches no test:\n{output}"
        );
        Finished {
            success: status.success(),
            output,
        }
    }

    fn next_line(&mut self, deadline: Instant) -> Result<String, RecvTimeoutError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let (printed, line) = match self.lines.recv_timeout(left)? {
            Line::Output(line) => (&mut self.output, line),
            Line::Error(line) => (&mut self.error, line),
        };
        printed.extend_from_slice(&line);
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn printed(&self) -> String {
        let printed = [&self.output[..], &self.error[..]].concat();
        String::from_utf8_lossy(&printed).into_owned()
    }

    #[track_caller]
    fn give_up(&mut self, what: &str) -> ! {
        let (printed, limit) = (self.printed(), self.limit);
        match self.process.try_wait() {
            Ok(Some(_)) => panic!(
                "the child has ended, but a process that it started keeps its output open; it printed:\n{printed}"
            ),
            _ => panic!("the child did not {what} within {limit:?}; it printed:\n{printed}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Sends the lines of a stream, until its end or until nobody waits for them.
fn read(stream: impl Read + Send + 'static, line: fn(Vec<u8>) -> Line, sender: Sender<Line>) {
    let mut stream = BufReader::new(stream);
    thread::spawn(move || {
        loop {
            let mut bytes = Vec::new();
            match stream.read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => break,
                Ok(_) if sender.send(line(bytes)).is_err() => break,
                Ok(_) => {}
            }
        }
    });
}

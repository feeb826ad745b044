//! Bounded waits.

use std::{
    io::{self, Read},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at. Short against the 30 ms that a server start takes.
pub(super) const POLL: Duration = Duration::from_millis(2);

/// How long a server gets to obey a signal: far more than it needs.
pub(super) const SIGNAL_LIMIT: Duration = Duration::from_secs(5);

/// Waits until the condition holds; false when it did not within the limit.
pub(super) fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// Runs a program to its end. Kills it at the limit, or when it is no longer wanted.
pub(super) fn run(
    command: &mut Command,
    limit: Duration,
    is_wanted: impl Fn() -> bool,
) -> io::Result<ExitStatus> {
    wait(&mut command.spawn()?, limit, is_wanted)
}

/// Runs a program that writes little, and returns its standard output and then its standard error
/// if it succeeded, or else the last line of the latter.
pub(super) fn output(command: &mut Command, limit: Duration) -> io::Result<String> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let status = wait(&mut child, limit, || true)?;
    let said = read(child.stderr.take())?;
    if !status.success() {
        let last = said.trim_end().lines().last().unwrap_or_default();
        let separator = if last.is_empty() { "" } else { ": " };
        let text = format!("it ended with {status}{separator}{last}");
        return Err(io::Error::other(text));
    }
    Ok(read(child.stdout.take())? + &said)
}

fn read(from: Option<impl Read>) -> io::Result<String> {
    let mut text = String::new();
    if let Some(mut from) = from {
        from.read_to_string(&mut text)?;
    }
    Ok(text)
}

fn wait(
    child: &mut Child,
    limit: Duration,
    is_wanted: impl Fn() -> bool,
) -> io::Result<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline || !is_wanted() {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it did not end within {} s", limit.as_secs()),
            ));
        }
        thread::sleep(POLL);
    }
}

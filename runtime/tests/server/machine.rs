//! What the machine offers to tests, and bounded waits.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// More than anything takes here, on a machine that is busy with other things.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);
/// Free memory that a few servers need.
const ROOM: u64 = 1 << 30;

/// An account of the system, by its numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Says why a test checks nothing here.
pub(crate) fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// Whether processes can be found by their command lines, as Linux lets us.
pub(crate) fn shows_processes() -> bool {
    let shown = Path::new("/proc/self/cmdline").is_file();
    if !shown {
        skip("there is no /proc to find processes in");
    }
    shown
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The unprivileged account that every system has; none if we may not act for it.
pub(crate) fn nobody() -> Option<Account> {
    let found = fs::read_to_string("/etc/passwd")
        .ok()
        .filter(|_| is_root())
        .and_then(|passwd| {
            let mut fields = passwd
                .lines()
                .find(|line| line.starts_with("nobody:"))?
                .split(':');
            let (uid, gid) = (fields.nth(2)?, fields.next()?);
            Some(Account {
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            })
        });
    if found.is_none() {
        skip("only root can run programs as `nobody`, if there is such a user");
    }
    found
}

/// Where directories for servers are made: in memory if there is room, and on a short path, as
/// sockets need.
pub(crate) fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let fits = rustix::fs::statvfs(memory).is_ok_and(|fs| fs.f_bavail * fs.f_frsize >= ROOM);
    PathBuf::from(if fits { "/dev/shm" } else { "/tmp" })
}

/// Writes a shell script. Not by ourselves: a file that was open for writing in a process of many
/// threads may be "busy" when it is run.
pub(crate) fn write_script(path: &Path, text: &str) {
    let written = Command::new("/bin/sh")
        .args([
            "-c",
            "printf '#!/bin/sh\n%s\n' \"$1\" >\"$0\" && chmod 755 \"$0\"",
        ])
        .arg(path)
        .arg(text)
        .status();
    assert!(written.expect("a shell runs").success());
}

/// Waits for a condition; false when it did not come true in time.
pub(crate) fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Waits for a condition that must come true.
pub(crate) fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(until(LIMIT, condition), "never happened: {what}");
}

//! Other processes, by their ids.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::machine::eventually;

/// What Linux says about a process; nothing when it is gone.
pub(crate) fn about(pid: Pid, what: &str) -> String {
    let path = format!("/proc/{}/{what}", pid.as_raw_nonzero());
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

pub(crate) fn is_named(pid: Pid, name: &str) -> bool {
    about(pid, "comm").trim() == name
}

/// Whether a process runs; one that nobody has waited for yet does not.
pub(crate) fn is_alive(pid: Pid) -> bool {
    test_kill_process(pid).is_ok() && !about(pid, "stat").contains(") Z ")
}

/// Kills processes, which may have ended, and waits for their end.
pub(crate) fn kill(pids: &[Pid]) {
    for pid in pids {
        let _ = kill_process(*pid, Signal::KILL);
    }
    eventually("they are dead", || !pids.iter().any(|pid| is_alive(*pid)));
}

//! What a new supervisor finds: data that no process uses, or a server whose supervisor was killed.

use std::{fs, time::Duration};

use rustix::process::{Pid, Signal};

use super::{
    bounded::{self, SIGNAL_LIMIT},
    cluster,
    error::LocalServerError,
    instance::Instance,
    lock::{FileLock, Watched},
    readiness,
};

const TAKE_OVER_LIMIT: Duration = Duration::from_secs(15);

/// What a new supervisor finds.
pub(super) enum Found {
    /// A server that a killed supervisor left behind.
    Running(Pid, Watched),
    /// Nothing runs; now nothing else can start.
    Free(FileLock),
}

/// Finds out whether a server, an `initdb` or a remaining process of either runs on this instance's
/// data.
pub(super) fn look(instance: &Instance) -> Result<Found, LocalServerError> {
    let path = instance.server_lock();
    let mut found = None;
    let mut try_once = || {
        found = FileLock::try_exclusive_read_only(&path)
            .map(|lock| lock.map(Found::Free))
            .transpose()
            .or_else(|| {
                let pid = recorded_pid(instance).filter(|pid| is_alive(*pid))?;
                let lock = readiness::serves(&instance.socket()).then(|| Watched::open(&path))?;
                Some(lock.map(|lock| Found::Running(pid, lock)))
            });
        found.is_some()
    };
    // The server may be starting, stopping, or about to notice that its parent was killed.
    if !bounded::until(TAKE_OVER_LIMIT, &mut try_once) {
        for signal in [Signal::QUIT, Signal::KILL] {
            if let Some(pid) = recorded_pid(instance) {
                let _ = rustix::process::kill_process(pid, signal);
            }
            if bounded::until(SIGNAL_LIMIT, &mut try_once) {
                break;
            }
        }
    }
    if let Some(found) = found {
        return found.map_err(LocalServerError::io("lock", path));
    }
    // A backend that has not noticed the end of its server still holds the lock. It keeps its open
    // files; new processes get new ones.
    cluster::remove(instance)?;
    fs::remove_file(&path).map_err(LocalServerError::io("remove", &path))?;
    let fresh =
        FileLock::try_exclusive_read_only(&path).map_err(LocalServerError::io("lock", &path))?;
    let busy = || LocalServerError::Timeout {
        awaited: "the end of an earlier private server",
        waited: TAKE_OVER_LIMIT + 2 * SIGNAL_LIMIT,
        log_file: instance.log(),
        directory: instance.dir().to_owned(),
    };
    fresh.map(Found::Free).ok_or_else(busy)
}

fn recorded_pid(instance: &Instance) -> Option<Pid> {
    Pid::from_raw(
        fs::read_to_string(instance.server_lock())
            .ok()?
            .parse()
            .ok()?,
    )
}

pub(super) fn is_alive(pid: Pid) -> bool {
    rustix::process::test_kill_process(pid).is_ok()
}

/// Removes what a killed server leaves: when its process id is in use again, the next server would
/// refuse to start. The caller holds the server lock, so no process needs the files.
pub(super) fn remove_traces(instance: &Instance) {
    let socket = instance.socket();
    for trace in [
        socket.with_added_extension("lock"),
        socket,
        instance.data().join("postmaster.pid"),
    ] {
        let _ = fs::remove_file(trace);
    }
    let _ = fs::write(instance.server_lock(), "");
}

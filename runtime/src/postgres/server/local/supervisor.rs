//! The process that starts the server, watches over it, and stops it when nobody uses it.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::fs::Mode;

use crate::environment;

use super::{
    account::Account,
    binaries::Binaries,
    error::LocalServerError,
    home,
    instance::{self, Instance},
    lock::FileLock,
    postmaster::{Postmaster, Stop},
    status::Status,
    supervisor_lock::SupervisorLock,
};

/// Set for the supervisor only: the directory of its instance.
pub(super) const SUPERVISE: &str = "DB_TEST_SUPERVISE";
/// Set for the supervisor only: the directory of the programs.
pub(super) const SUPERVISE_BIN: &str = "DB_TEST_SUPERVISE_BIN";
/// Set for the supervisor only: their major version.
pub(super) const SUPERVISE_MAJOR: &str = "DB_TEST_SUPERVISE_MAJOR";

/// How often it looks at the server and its users. That takes a dozen system calls.
const TICK: Duration = Duration::from_millis(100);
const IDLE_LIMIT: Duration = Duration::from_mins(1);
/// How long a server without users is kept when it holds kept databases.
const LOOKED_AT_LIMIT: Duration = Duration::from_hours(1);
const LONGEST_LOG: u64 = 8 << 20;
/// The directory of a server that nobody has used for this long is removed.
const FORGOTTEN: Duration = Duration::from_hours(7 * 24);

/// Called before `main`: becomes the supervisor if the environment says so, and then never returns.
pub(crate) fn supervise_if_requested() {
    if let Some(dir) = env::var_os(SUPERVISE) {
        // This process must never go on to run tests.
        process::exit(supervise(Instance::new(PathBuf::from(dir))).map_or(1, |()| 0));
    }
}

/// How long a server without users is kept: `DB_TEST_IDLE_SECONDS`, or a minute.
pub(super) fn idle_limit() -> Result<Duration, LocalServerError> {
    let value = environment::variable("DB_TEST_IDLE_SECONDS").unwrap_or_default();
    let value = value.to_string_lossy();
    match value.trim() {
        "" => Ok(IDLE_LIMIT),
        seconds => match seconds.parse() {
            Ok(seconds) => Ok(Duration::from_secs(seconds)),
            Err(_) => Err(LocalServerError::IdleSeconds {
                value: value.into_owned(),
            }),
        },
    }
}

fn supervise(instance: Instance) -> Result<(), LocalServerError> {
    // A session of our own: a terminal's Ctrl-C and hang-up, and signals to the test runner's
    // group, do not reach us.
    let _ = rustix::process::setsid();
    // So no other user can read what it and its programs create without naming a mode.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let Some(supervisor_lock) = SupervisorLock::take(instance)? else {
        return Ok(());
    };
    match begin(&supervisor_lock) {
        Ok((server, idle_limit)) => {
            forget_old_instances(supervisor_lock.instance());
            watch(supervisor_lock, server, idle_limit);
            Ok(())
        }
        Err(error) => {
            let _ = supervisor_lock.report(&Status::Failed {
                message: error.to_string(),
            });
            Err(error)
        }
    }
}

fn begin(supervisor_lock: &SupervisorLock) -> Result<(Postmaster, Duration), LocalServerError> {
    supervisor_lock.report(&Status::Starting)?;
    let binaries = Binaries {
        dir: env::var_os(SUPERVISE_BIN).unwrap_or_default().into(),
        major: env::var(SUPERVISE_MAJOR)
            .ok()
            .and_then(|major| major.parse().ok())
            .unwrap_or_default(),
    };
    let idle_limit = idle_limit()?;
    let (mut server, note) =
        Postmaster::run(supervisor_lock, &binaries, &Account::of_the_server()?)?;
    home::forget_choices(supervisor_lock.instance());
    if let Err(error) = supervisor_lock.report(&Status::Ready { note }) {
        server.stop(Stop::Immediate);
        return Err(error);
    }
    Ok((server, idle_limit))
}

/// Returns when the server has ended or was stopped.
fn watch(supervisor_lock: SupervisorLock, mut server: Postmaster, idle_limit: Duration) {
    let instance = supervisor_lock.instance().clone();
    let mut last_use = Instant::now();
    let mut last_trace = trace(&instance.lease());
    loop {
        thread::sleep(TICK);
        if !supervisor_lock.is_valid() {
            server.stop(Stop::Immediate);
            return;
        }
        if !server.is_running() {
            let _ = fs::remove_file(instance.status());
            return;
        }
        keep_log_short(&instance.log());
        // A user may have come and gone since the last tick.
        let trace = trace(&instance.lease());
        let Ok(Some(nobody_else)) = FileLock::try_exclusive(&instance.lease()) else {
            last_use = Instant::now();
            continue;
        };
        if trace != last_trace {
            last_trace = trace;
            last_use = Instant::now();
        }
        if last_use.elapsed() >= idle_limit && !is_looked_at(&instance) {
            let _ = fs::remove_file(instance.status());
            server.stop(Stop::Fast);
            // A process that waits for the lease must find neither a server nor a supervisor.
            drop(supervisor_lock);
            drop(nobody_else);
            return;
        }
    }
}

/// Whether somebody may be looking at kept databases. `psql` holds no lease.
fn is_looked_at(instance: &Instance) -> bool {
    trace(&instance.stay_up())
        .and_then(|asked| asked.elapsed().ok())
        .is_some_and(|ago| ago < LOOKED_AT_LIMIT)
}

fn trace(lease: &Path) -> Option<SystemTime> {
    fs::metadata(lease)
        .and_then(|metadata| metadata.modified())
        .ok()
}

fn keep_log_short(log: &Path) {
    if fs::metadata(log).is_ok_and(|metadata| metadata.len() > LONGEST_LOG) {
        let _ = File::options()
            .write(true)
            .open(log)
            .and_then(|file| file.set_len(0));
    }
}

/// Removes the directories of other servers that have not been used for long.
fn forget_old_instances(own: &Instance) {
    let Some(entries) = own.dir().parent().and_then(|home| fs::read_dir(home).ok()) else {
        return;
    };
    for path in entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path != own.dir())
    {
        let other = Instance::new(path);
        let unused = trace(&other.lease()).and_then(|last_use| last_use.elapsed().ok());
        if unused.is_some_and(|unused| unused >= FORGOTTEN) {
            forget(&other);
        }
    }
}

/// A process that comes meanwhile waits for the lease, finds its file removed, and makes a new one.
fn forget(other: &Instance) {
    let locks = [other.lease(), other.supervisor_lock(), other.server_lock()];
    let held: Vec<FileLock> = locks
        .iter()
        .filter_map(|path| FileLock::try_exclusive(path).ok().flatten())
        .collect();
    if held.len() == locks.len() {
        let _ = instance::remove_dir(other.dir());
    }
}

//! The private local server: found, made, started, shared and stopped without the user.
//!
//! All processes of one user share one server for each directory of PostgreSQL programs. They
//! coordinate by file locks, which the kernel drops when their holder ends, however it ends. In the
//! server's directory are four lock files:
//!
//! | file | held by | how | says |
//! | --- | --- | --- | --- |
//! | `lease` | each user, for its life | shared | the server is in use |
//! | `lease` | the supervisor, while it stops the server | alone | the server is about to end |
//! | `start` | one of the users that found no server | alone | that one starts a supervisor; the others wait |
//! | `supervisor` | the supervisor, for its life | alone | the server is supervised |
//! | `server` | `initdb`, `postgres` and their children | alone, inherited as standard input | processes use the data |
//!
//! **Joining.** A user first takes the lease, *then* looks whether a server is ready: the status
//! file says so, and the supervisor lives. (One that was just killed shows at the first connection;
//! then the server is asked, too.) The supervisor stops a server only while it has the lease alone.
//! So a user who has the lease and finds a server keeps it, and a user who waits for the lease
//! finds none afterwards and starts one. The supervisor never waits for the lease; it tries every
//! 100 ms, and stops the server once it could have had it throughout the idle limit, and nobody has
//! touched `stay-up` for an hour: who looks at a kept database with `psql` holds no lease.
//!
//! **Starting.** The holder of `start` launches a supervisor: this executable once more, with an
//! environment variable, by way of a shell that detaches it and restarts it if it is killed. It
//! runs `initdb` if need be, then `postgres`, and reports through the status file. A supervisor
//! that does not get the `supervisor` lock ends at once.
//!
//! **When something is killed.** A user: its lease goes with it. The holder of `start`: another
//! waiting user takes the lock, and finds the supervisor at work or starts one. `initdb`, or the
//! supervisor while it runs: the data directory gets its name only when complete, and the `server`
//! lock tells the next supervisor when the remains are gone. The supervisor: its successor finds
//! the `server` lock held and the socket serving, and takes the server over. `postgres`: the
//! supervisor notices and ends, its successor starts a new one, after the last of the old children
//! has dropped the `server` lock. The whole directory: every lock holder compares the file it has
//! locked with the one at the path; users start over, the supervisor stops its server and ends. So
//! to stop and wipe the server by hand, remove its directory; to stop it only,
//! `pg_ctl stop -D <directory>/data`.
//!
//! **Trust.** The directory is accepted only if it is real, ours, and not writable by others
//! (`private_dir`). For root the server runs as another user, who owns the data and the socket's
//! directory and can change nothing else.

use std::{env, fs, path::PathBuf, time::Instant};

mod account;
mod binaries;
mod bounded;
mod cluster;
#[cfg(feature = "download")]
mod download;
#[cfg(feature = "download")]
mod download_error;
mod error;
mod home;
mod instance;
mod launcher;
mod lock;
mod package;
mod packaged;
mod pattern;
mod places;
mod postmaster;
mod private_dir;
mod readiness;
mod settings;
mod start;
mod status;
mod supervisor;
mod supervisor_lock;
mod takeover;
mod trial;

use crate::observe::log;

use self::{binaries::Binaries, home::Home, instance::Instance, lock::FileLock};
pub(crate) use self::{error::LocalServerError, supervisor::supervise_if_requested};

/// A directory of that name beside the private servers, as private as they are.
///
/// # Errors
///
/// What is wrong with the places for it.
#[cfg(feature = "sqlite")]
pub(crate) fn beside(name: &str) -> Result<PathBuf, String> {
    match Home::open() {
        Ok(home) => home.directory(name),
        Err(LocalServerError::Home { problem }) => Err(format!("DB_TEST_HOME: {problem}")),
        Err(LocalServerError::NoHome { problems }) => Err(problems),
        Err(other) => Err(other.to_string()),
    }
}

/// Part of the socket's name; no port is opened.
const PORT: u16 = 5432;
const SUPERUSER: &str = "postgres";

/// A running private server, in use as long as this value lives.
#[derive(Debug)]
pub(crate) struct LocalServer {
    instance: Instance,
    binaries: Binaries,
    _lease: FileLock,
}

/// The directory of the newest PostgreSQL on this machine, or of the one that `PG_BIN` names.
#[cfg(test)]
pub(crate) fn programs() -> PathBuf {
    match Binaries::find() {
        Ok(found) => found.dir,
        Err(error) => panic!("{error}"),
    }
}

/// Joins the private server if it runs, as far as is known without asking it; `None` if it has to
/// be started.
///
/// Takes a millisecond at most.
pub(crate) fn join_running() -> Result<Option<LocalServer>, LocalServerError> {
    if env::var_os(supervisor::SUPERVISE).is_some() {
        return Err(LocalServerError::InsideSupervisor);
    }
    supervisor::idle_limit()?;
    let began = Instant::now();
    let home = Home::open()?;
    let running = home.remembered().and_then(|binaries| {
        let instance = home.existing_instance(&binaries);
        let lease = start::join_running(&instance)?;
        Some((instance, binaries, lease))
    });
    Ok(running.map(|(instance, binaries, lease)| {
        LocalServer::joined(&home, instance, binaries, lease, began)
    }))
}

/// Joins the private server when it answers, and finds, initializes and starts it when needed.
///
/// Blocks: some milliseconds for a server that runs, 50 ms to start one, a second to initialize
/// one, and never more than some minutes.
pub(crate) fn join() -> Result<LocalServer, LocalServerError> {
    let began = Instant::now();
    let home = Home::open()?;
    let binaries = Binaries::find()?;
    let (instance, lease) = start::join(&binaries)?;
    home.remember(&binaries);
    Ok(LocalServer::joined(&home, instance, binaries, lease, began))
}

impl LocalServer {
    fn joined(
        home: &Home,
        instance: Instance,
        binaries: Binaries,
        lease: FileLock,
        began: Instant,
    ) -> Self {
        log::info(format_args!(
            "joined the private PostgreSQL {} in {} ({}), with the programs in {}, in {:.1?}",
            binaries.major,
            instance.dir().display(),
            home.reason(),
            binaries.dir.display(),
            began.elapsed()
        ));
        Self {
            instance,
            binaries,
            _lease: lease,
        }
    }

    /// The directory of its Unix socket: the `host` of a connection.
    pub(crate) fn socket_dir(&self) -> PathBuf {
        self.instance.socket_dir()
    }

    /// Names the socket within the directory.
    #[expect(clippy::unused_self, reason = "the same for all servers today")]
    pub(crate) fn port(&self) -> u16 {
        PORT
    }

    /// A superuser without a password.
    #[expect(clippy::unused_self, reason = "the same for all servers today")]
    pub(crate) fn user(&self) -> &'static str {
        SUPERUSER
    }

    /// The major version of its programs.
    pub(crate) fn major(&self) -> u32 {
        self.binaries.major
    }

    /// How `psql` is called: by its name if it is on the `PATH`.
    pub(crate) fn psql(&self) -> String {
        let path = env::var_os("PATH").unwrap_or_default();
        let ours = self.binaries.program("psql");
        if env::split_paths(&path).any(|dir| dir.join("psql").is_file()) || !ours.is_file() {
            return "psql".to_owned();
        }
        ours.to_string_lossy().into_owned()
    }

    /// Lets the server wait an hour for its next user. A failure is ignored: then it waits a
    /// minute.
    pub(crate) fn stay_up(&self) {
        let _ = private_dir::write_file(&self.instance.stay_up(), "");
    }

    /// Takes back [`stay_up`](Self::stay_up).
    pub(crate) fn cancel_stay_up(&self) {
        let _ = fs::remove_file(self.instance.stay_up());
    }

    /// Where the lanes are noted that were given back last.
    pub(crate) fn lanes_of(&self, template: &str) -> PathBuf {
        self.instance.lanes_of(template)
    }

    /// The server's log.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.instance.log()
    }
}

//! Joins a server that runs, or has one started.

use std::{
    fs, thread,
    time::{Duration, Instant, SystemTime},
};

use crate::observe::log;

use super::{
    binaries::Binaries,
    bounded::POLL,
    error::{self, LocalServerError},
    home::Home,
    instance::Instance,
    launcher,
    lock::FileLock,
    status::Status,
};

/// How long to wait without a sign of progress.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a supervisor may take from its launch to its lock: the time to load a large test
/// binary.
const LAUNCH_LIMIT: Duration = Duration::from_secs(10);
const MOST_LAUNCHES: u32 = 3;
/// After this time a notice says what is taking long.
const SILENCE: Duration = Duration::from_secs(1);

/// Joins the server without starting anything and without waiting; none if that is not possible.
///
/// It does not connect, which would cost the server a process: the first connection shows whether
/// it answers.
pub(super) fn join_running(instance: &Instance) -> Option<FileLock> {
    let lease = Some(instance.lease()).filter(|path| path.exists())?;
    let lease = FileLock::try_shared(&lease).ok().flatten()?;
    // From here on no supervisor can begin to stop the server.
    instance.is_supposed_ready()?;
    (lease.is_current() && lease.touch().is_ok()).then_some(lease)
}

/// Joins the server, and starts it if nobody else does.
pub(super) fn join(binaries: &Binaries) -> Result<(Instance, FileLock), LocalServerError> {
    let mut patience = Patience::new();
    loop {
        // The directory may be removed at any time; then all of this begins again.
        let instance = Home::open()?.instance(binaries)?;
        if let Some(lease) = attempt(&instance, binaries, &mut patience)? {
            return Ok((instance, lease));
        }
        patience.wait(&instance)?;
    }
}

/// None if the directory was removed meanwhile, or the lease could not be had yet.
fn attempt(
    instance: &Instance,
    binaries: &Binaries,
    patience: &mut Patience,
) -> Result<Option<FileLock>, LocalServerError> {
    let path = instance.lease();
    let Some(lease) = FileLock::try_shared(&path).map_err(LocalServerError::io("lock", &path))?
    else {
        // The supervisor is looking whether the server has users, or is stopping it.
        return Ok(None);
    };
    lease
        .touch()
        .map_err(LocalServerError::io("write", &path))?;
    let mut starter = None;
    while lease.is_current() {
        if let Some(Status::Ready { note }) = instance.is_ready() {
            if starter.is_some() && !note.is_empty() {
                log::notice(format_args!(
                    "the private PostgreSQL server in {} is ready; {note}",
                    instance.dir().display()
                ));
            }
            return Ok(Some(lease));
        }
        if let Some(message) = Status::failure_since(&instance.status(), patience.began) {
            return Err(LocalServerError::Reported { message });
        }
        match push(&mut starter, instance, binaries) {
            Ok(()) => {}
            Err(error) if lease.is_current() => return Err(error),
            // The directory was removed meanwhile.
            Err(_) => return Ok(None),
        }
        if starter.is_some() {
            patience.explain(instance, binaries);
        }
        patience.wait(instance)?;
    }
    Ok(None)
}

/// Makes sure that a process starts the server; this one if no other does.
fn push(
    starter: &mut Option<Starter>,
    instance: &Instance,
    binaries: &Binaries,
) -> Result<(), LocalServerError> {
    if starter.is_none() {
        *starter = Starter::elect(instance)?;
    }
    match starter {
        Some(starter) => starter.ensure_supervisor(instance, binaries),
        None => Ok(()),
    }
}

/// The one process that may start a supervisor; if it is killed, another one takes its place.
struct Starter {
    _lock: FileLock,
    launches: u32,
    launched: Option<Instant>,
}

impl Starter {
    fn elect(instance: &Instance) -> Result<Option<Self>, LocalServerError> {
        let path = instance.start_lock();
        let lock = FileLock::try_exclusive(&path).map_err(LocalServerError::io("lock", path))?;
        Ok(lock.map(|lock| Self {
            _lock: lock,
            launches: 0,
            launched: None,
        }))
    }

    fn ensure_supervisor(
        &mut self,
        instance: &Instance,
        binaries: &Binaries,
    ) -> Result<(), LocalServerError> {
        if instance.is_supervised() {
            self.launched = None;
            return Ok(());
        }
        if self
            .launched
            .is_some_and(|launched| launched.elapsed() < LAUNCH_LIMIT)
        {
            return Ok(());
        }
        if self.launches == MOST_LAUNCHES {
            let said = fs::read_to_string(instance.supervisor_log()).unwrap_or_default();
            return Err(LocalServerError::NoSupervisor {
                said: error::tail(&said),
            });
        }
        if self.launches == 0 {
            // The status of an earlier supervisor is out of date.
            let _ = fs::remove_file(instance.status());
        }
        log::info(format_args!(
            "starting a private PostgreSQL {} in {}",
            binaries.major,
            instance.dir().display()
        ));
        launcher::launch(instance, binaries)?;
        self.launches += 1;
        self.launched = Some(Instant::now());
        Ok(())
    }
}

/// Limits the waiting, and says once what it is for.
struct Patience {
    began: SystemTime,
    since: Instant,
    last_progress: Instant,
    last_status: Option<Status>,
    explained: bool,
}

impl Patience {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            began: SystemTime::now(),
            since: now,
            last_progress: now,
            last_status: None,
            explained: false,
        }
    }

    fn wait(&mut self, instance: &Instance) -> Result<(), LocalServerError> {
        let status = Status::read(&instance.status());
        if status != self.last_status {
            self.last_status = status;
            self.last_progress = Instant::now();
        }
        if self.last_progress.elapsed() >= PATIENCE {
            return Err(LocalServerError::Timeout {
                awaited: match self.last_status {
                    None => "the supervisor of the private PostgreSQL server",
                    Some(Status::Initializing) => "`initdb`",
                    Some(_) => "the private PostgreSQL server",
                },
                waited: PATIENCE,
                log_file: instance.log(),
                directory: instance.dir().to_owned(),
            });
        }
        thread::sleep(POLL);
        Ok(())
    }

    fn explain(&mut self, instance: &Instance, binaries: &Binaries) {
        if self.explained || self.since.elapsed() < SILENCE {
            return;
        }
        self.explained = true;
        let doing = match self.last_status {
            Some(Status::Initializing) => "initializing (once)",
            _ => "starting",
        };
        log::notice(format_args!(
            "{doing} a private PostgreSQL {} server in {}",
            binaries.major,
            instance.dir().display()
        ));
    }
}

//! The right to look after a server: held by one process at a time, and void once the server's directory is
//! removed.

use std::{io, time::Duration};

use super::{bounded, error::LocalServerError, instance::Instance, lock::FileLock, status::Status};

/// Held by a supervisor for its life.
#[derive(Debug)]
pub(super) struct SupervisorLock {
    instance: Instance,
    lock: FileLock,
}

impl SupervisorLock {
    /// None when another supervisor lives. Users look at the lock for an instant now and then, hence the second
    /// glance.
    pub(super) fn take(instance: Instance) -> Result<Option<Self>, LocalServerError> {
        let path = instance.supervisor_lock();
        let mut lock = Ok(None);
        bounded::until(Duration::from_millis(200), || {
            lock = FileLock::try_exclusive(&path);
            !matches!(lock, Ok(None))
        });
        let lock = lock.map_err(LocalServerError::io("lock", path))?;
        Ok(lock.map(|lock| Self { instance, lock }))
    }

    pub(super) fn instance(&self) -> &Instance {
        &self.instance
    }

    /// False once the directory was removed. It may have been made again, and another supervisor may work there,
    /// under the same paths.
    pub(super) fn is_valid(&self) -> bool {
        self.lock.is_current()
    }

    /// To be asked before anything is done that would harm that other supervisor. It takes some 10 ms to come up.
    pub(super) fn check(&self) -> Result<(), LocalServerError> {
        if self.is_valid() {
            return Ok(());
        }
        Err(LocalServerError::Io {
            attempted: "go on in",
            path: self.instance.dir().to_owned(),
            source: io::Error::other("the directory was removed"),
        })
    }

    /// Tells the users how far the server is.
    pub(super) fn report(&self, status: &Status) -> Result<(), LocalServerError> {
        self.check()?;
        status
            .write(&self.instance.status())
            .map_err(LocalServerError::io("write", self.instance.status()))
    }
}

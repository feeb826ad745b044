//! The lock by which one process at a time supervises a server. It is void once the server's
//! directory is removed.

use std::{io, time::Duration};

use super::{bounded, error::LocalServerError, instance::Instance, lock::FileLock, status::Status};

/// Held by a supervisor until it ends.
#[derive(Debug)]
pub(super) struct SupervisorLock {
    instance: Instance,
    lock: FileLock,
}

impl SupervisorLock {
    /// None when another supervisor lives. A process that only looks whether one lives takes the
    /// lock for an instant, so it is tried more than once.
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

    /// False once the directory was removed. It may have been made again, and another supervisor
    /// may work there, under the same paths.
    pub(super) fn is_valid(&self) -> bool {
        self.lock.is_current()
    }

    /// Fails if the directory was removed: to be called before what would harm another supervisor,
    /// which takes some 10 ms to start.
    pub(super) fn check(&self) -> Result<(), LocalServerError> {
        if self.is_valid() {
            return Ok(());
        }
        Err(LocalServerError::Io {
            attempted: "use",
            path: self.instance.dir().to_owned(),
            source: io::Error::other("the directory was removed"),
        })
    }

    /// Publishes how far the server is, for the processes that wait for it.
    pub(super) fn report(&self, status: &Status) -> Result<(), LocalServerError> {
        self.check()?;
        status
            .write(&self.instance.status())
            .map_err(LocalServerError::io("write", self.instance.status()))
    }
}

//! File locks that the kernel drops with the process that held them, however it ended.

use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A lock that is held until this value is dropped or its process ends.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock together with others who share it, unless somebody has it alone.
    pub(super) fn try_shared(path: &Path) -> io::Result<Option<Self>> {
        Self::take(open(path)?, path, File::try_lock_shared)
    }

    /// Takes the lock alone, unless anybody has it.
    pub(super) fn try_exclusive(path: &Path) -> io::Result<Option<Self>> {
        Self::take(open(path)?, path, File::try_lock)
    }

    /// Like [`try_exclusive`](Self::try_exclusive), through a handle that cannot write: it is to be
    /// inherited by a server that may run as another user.
    pub(super) fn try_exclusive_read_only(path: &Path) -> io::Result<Option<Self>> {
        drop(open(path)?);
        Self::take(File::open(path)?, path, File::try_lock)
    }

    fn take(
        file: File,
        path: &Path,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> io::Result<Option<Self>> {
        match lock(&file) {
            Ok(()) => Ok(Some(Self {
                file,
                path: path.to_owned(),
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a process holds this lock exclusively.
    pub(super) fn is_held_alone(path: &Path) -> bool {
        Watched::open(path).is_ok_and(|lock| lock.is_held_alone())
    }

    /// Whether the locked file is still the one at its path: after a removal of the directory it is
    /// not, and the lock means nothing to processes that come later.
    pub(super) fn is_current(&self) -> bool {
        let (Ok(ours), Ok(there)) = (self.file.metadata(), self.path.symlink_metadata()) else {
            return false;
        };
        (ours.dev(), ours.ino()) == (there.dev(), there.ino())
    }

    /// Leaves a trace of use for those who look only now and then.
    pub(super) fn touch(&self) -> io::Result<()> {
        self.file.set_modified(SystemTime::now())
    }

    /// A handle for a child process, which then holds the lock as long as it or any of its children
    /// lives.
    pub(super) fn share(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// A lock of others, to be watched even when its file was removed.
#[derive(Debug)]
pub(super) struct Watched(File);

impl Watched {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    pub(super) fn is_held_alone(&self) -> bool {
        match self.0.try_lock_shared() {
            Ok(()) => {
                // It was taken only to see whether it could be.
                let _ = self.0.unlock();
                false
            }
            Err(error) => matches!(error, TryLockError::WouldBlock),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

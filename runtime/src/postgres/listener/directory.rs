//! The directory of this process's sockets.

use std::{
    io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use crate::postgres::private_directory::PrivateDirectory;

static DIRECTORY: Mutex<Option<PrivateDirectory>> = Mutex::new(None);

/// The directory, which only this user can enter; made at its first use.
pub(super) fn of_this_process() -> io::Result<PathBuf> {
    let mut made = DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner);
    if made.is_none() {
        *made = Some(PrivateDirectory::make()?);
    }
    let path = made.as_ref().map(|directory| directory.path().to_owned());
    path.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Removes the directory, at the end of the process.
pub(crate) fn remove_directory() {
    let made = DIRECTORY
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    drop(made);
}

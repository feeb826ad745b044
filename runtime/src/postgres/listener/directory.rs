//! The directory of this process's sockets.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, PoisonError},
};

use rustix::process::{Pid, test_kill_process};

/// How the names of such directories begin; the process id follows.
const PREFIX: &str = "db-test-";

static DIRECTORY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The directory, which only this user can enter; made when it is first asked for.
pub(super) fn of_this_process() -> io::Result<PathBuf> {
    let mut made = DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(directory) = &*made {
        return Ok(directory.clone());
    }
    let parent = env::temp_dir();
    sweep(&parent);
    let directory = parent.join(format!("{PREFIX}{}", process::id()));
    // It fails if the name exists, so nobody can have prepared it.
    DirBuilder::new().mode(0o700).create(&directory)?;
    Ok(made.insert(directory).clone())
}

/// Removes the directory, at the end of the process.
pub(crate) fn remove_directory() {
    let made = DIRECTORY
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(directory) = made {
        fs::remove_dir_all(directory).ok();
    }
}

/// Removes what killed processes have left, and an earlier one with our own process id. What
/// belongs to others cannot be removed, and stays.
fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let owner = owner.and_then(|rest| rest.parse().ok());
        if let Some(owner) = owner.and_then(Pid::from_raw)
            && (owner == rustix::process::getpid() || test_kill_process(owner).is_err())
        {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

//! A socket that nobody else can reach.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::{fs::DirBuilderExt, net::UnixListener},
    path::{Path, PathBuf},
    process,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

use rustix::process::{Pid, test_kill_process};

/// How the names of our directories begin; the process id follows, and a number.
const PREFIX: &str = "db-test-socket-";

/// A Unix socket in a directory that only this user can enter; removed when dropped.
pub(crate) struct PrivateSocket {
    directory: PathBuf,
    path: PathBuf,
}

impl PrivateSocket {
    /// Listens as a PostgreSQL server does on this port.
    pub(crate) fn listen(port: u16) -> io::Result<(Self, UnixListener)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static SWEPT: Once = Once::new();
        let parent = env::temp_dir();
        SWEPT.call_once(|| sweep(&parent));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = parent.join(format!("{PREFIX}{}-{number}", process::id()));
        // It fails if the name exists, so nobody can have prepared it.
        DirBuilder::new().mode(0o700).create(&directory)?;
        let path = directory.join(format!(".s.PGSQL.{port}"));
        let socket = Self { directory, path };
        let listener = UnixListener::bind(&socket.path)?;
        Ok((socket, listener))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateSocket {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).ok();
    }
}

/// Removes what killed processes have left, and an earlier one with our own process id. What
/// belongs to others cannot be removed, and stays.
fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let owner = owner.and_then(|rest| rest.split_once('-')?.0.parse().ok());
        if let Some(owner) = owner.and_then(Pid::from_raw)
            && (owner == rustix::process::getpid() || test_kill_process(owner).is_err())
        {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

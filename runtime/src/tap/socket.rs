//! A socket that nobody else can reach.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{fs::DirBuilderExt, net::UnixListener},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// A Unix socket in a directory that only this user can enter; removed when dropped.
pub(super) struct PrivateSocket(PathBuf);

impl PrivateSocket {
    /// Listens as a PostgreSQL server does on this port.
    pub(super) fn listen(port: u16) -> io::Result<(Self, UnixListener)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("db-test-tap-{}-{number}", process::id()));
        // What a killed process with the same id has left is in the way.
        fs::remove_dir_all(&directory).ok();
        // It fails if the name exists, so nobody can have prepared it.
        DirBuilder::new().mode(0o700).create(&directory)?;
        let socket = Self(directory);
        let listener = UnixListener::bind(socket.0.join(format!(".s.PGSQL.{port}")))?;
        Ok((socket, listener))
    }

    pub(super) fn directory(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateSocket {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

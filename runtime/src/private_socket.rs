//! A socket that nobody else can reach.

use std::{
    io,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};

use crate::private_directory::PrivateDirectory;

/// A Unix socket in a directory that only this user can enter; removed when dropped.
pub(crate) struct PrivateSocket {
    directory: PrivateDirectory,
    path: PathBuf,
}

impl PrivateSocket {
    /// Listens as a PostgreSQL server does on this port.
    pub(crate) fn listen(port: u16) -> io::Result<(Self, UnixListener)> {
        let directory = PrivateDirectory::make()?;
        let path = directory.path().join(format!(".s.PGSQL.{port}"));
        let listener = UnixListener::bind(&path)?;
        Ok((Self { directory, path }, listener))
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

//! One side of a relay: the connection's, or the server's.

use std::{
    io,
    net::TcpStream,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
};

use rustix::{event::PollFlags, io::Errno};
use sqlx::postgres::PgConnectOptions;

/// So much may wait to be written to one side before the other one is not read any more, in bytes.
const WAITING: usize = 1024 * 1024;

/// A socket that is never waited for, with what could not be written to it yet. It is closed when
/// the relay ends.
pub(super) struct Side {
    socket: OwnedFd,
    waiting: Vec<u8>,
}

impl Side {
    /// The side of a connection that was accepted.
    pub(super) fn client(socket: UnixStream) -> io::Result<Self> {
        Self::of(socket.into())
    }

    /// The side of the server that these options lead to.
    pub(super) fn server(options: &PgConnectOptions) -> io::Result<Self> {
        let (host, port) = (options.get_host(), options.get_port());
        let directory = options.get_socket().map(std::path::PathBuf::as_path);
        let directory = directory.or_else(|| host.starts_with('/').then(|| Path::new(host)));
        if let Some(directory) = directory {
            let path = directory.join(format!(".s.PGSQL.{port}"));
            return Self::of(UnixStream::connect(path)?.into());
        }
        let socket = TcpStream::connect((host, port))?;
        socket.set_nodelay(true)?;
        Self::of(socket.into())
    }

    fn of(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        let waiting = Vec::new();
        Ok(Self { socket, waiting })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// What this side is to be polled for, given where its bytes go.
    pub(super) fn interest(&self, other: &Self) -> PollFlags {
        let mut interest = PollFlags::empty();
        if other.waiting.len() < WAITING {
            interest |= PollFlags::IN;
        }
        if !self.waiting.is_empty() {
            interest |= PollFlags::OUT;
        }
        interest
    }

    /// Reads what is there; `None` when there was nothing after all, zero bytes at the end.
    pub(super) fn receive(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&self.socket, into) {
            Ok(length) => Ok(Some(length)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes as much as can be written at once, and keeps the rest.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.waiting.is_empty() {
            let written = self.write(bytes)?;
            self.waiting.extend_from_slice(&bytes[written..]);
        } else {
            self.waiting.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Writes what is kept, as much as can be written at once.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let written = self.write(&self.waiting)?;
        self.waiting.drain(..written);
        Ok(())
    }

    /// Writes what is kept, however long that takes.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        rustix::io::ioctl_fionbio(&self.socket, false)?;
        while !self.waiting.is_empty() {
            self.flush()?;
        }
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::io::write(&self.socket, bytes) {
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            result => Ok(result?),
        }
    }
}

//! One side of a relay: the connection's, or the server's.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
};

use rustix::event::PollFlags;
use sqlx::postgres::PgConnectOptions;

/// So much may wait to be written to one side before the other one is not read any more, in bytes.
const WAITING: usize = 1024 * 1024;

/// A socket that is never waited for, with what could not be written to it yet.
pub(super) struct Side {
    socket: Socket,
    waiting: Vec<u8>,
}

enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Side {
    /// The side of a connection that was accepted.
    pub(super) fn client(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::of(Socket::Unix(socket)))
    }

    /// The side of the server that these options lead to.
    pub(super) fn server(options: &PgConnectOptions) -> io::Result<Self> {
        let (host, port) = (options.get_host(), options.get_port());
        let directory = options.get_socket().map(std::path::PathBuf::as_path);
        let directory = directory.or_else(|| host.starts_with('/').then(|| Path::new(host)));
        if let Some(directory) = directory {
            let path = directory.join(format!(".s.PGSQL.{port}"));
            return Self::client(UnixStream::connect(path)?);
        }
        let socket = TcpStream::connect((host, port))?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self::of(Socket::Tcp(socket)))
    }

    fn of(socket: Socket) -> Self {
        let waiting = Vec::new();
        Self { socket, waiting }
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Unix(socket) => socket.as_fd(),
            Socket::Tcp(socket) => socket.as_fd(),
        }
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
        let received = match &self.socket {
            Socket::Unix(socket) => (&*socket).read(into),
            Socket::Tcp(socket) => (&*socket).read(into),
        };
        match received {
            Ok(length) => Ok(Some(length)),
            Err(error) if is_passing(&error) => Ok(None),
            Err(error) => Err(error),
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

    /// Writes what is kept, however long that takes, and ends the connection.
    pub(super) fn end(&mut self) -> io::Result<()> {
        match &self.socket {
            Socket::Unix(socket) => {
                socket.set_nonblocking(false)?;
                (&*socket).write_all(&self.waiting)?;
                socket.shutdown(Shutdown::Both)
            }
            Socket::Tcp(socket) => {
                socket.set_nonblocking(false)?;
                (&*socket).write_all(&self.waiting)?;
                socket.shutdown(Shutdown::Both)
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &self.socket {
            Socket::Unix(socket) => (&*socket).write(bytes),
            Socket::Tcp(socket) => (&*socket).write(bytes),
        };
        match written {
            Err(error) if is_passing(&error) => Ok(0),
            result => result,
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

//! The socket that leads to a test's proxy.

mod directory;
mod url;

use std::{
    env, fs,
    hash::{BuildHasher, RandomState},
    io,
    net::{Ipv4Addr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixListener,
    },
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

pub(crate) use self::directory::remove_directory;
use super::{ended_tests, gate::Gate, socket::Socket};
use crate::observe::log;

/// Asks for the loopback interface, for programs that know no Unix sockets.
const LOOPBACK: &str = "DB_TEST_LOOPBACK";

/// A listening socket; no two tests of a process have the same one. What outlives a test is refused, by its name.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Listening,
    place: Place,
    /// The test that it is for.
    test: Option<&'static str>,
}

#[derive(Debug)]
enum Listening {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// Where somebody listens.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a directory that only this user can enter, by the name that a server on that port would use.
    Directory { path: PathBuf, port: u16 },
    /// On the loopback interface, which all users of the machine share: who comes in has to know a token.
    Loopback { port: u16, token: Arc<str> },
}

impl Listener {
    /// Listens for a test.
    pub(crate) fn of_test(test: &'static str) -> io::Result<Self> {
        let mut listener = Self::open()?;
        listener.test = Some(test);
        Ok(listener)
    }

    /// Listens on a Unix socket, or else on the loopback interface.
    pub(crate) fn open() -> io::Result<Self> {
        if env::var_os(LOOPBACK).is_some_and(|value| !value.is_empty()) {
            return Self::on_loopback();
        }
        Self::in_directory().or_else(|problem| {
            log::info(format_args!(
                "no place is safe for a socket, so the loopback interface is used: {problem}"
            ));
            Self::on_loopback()
        })
    }

    fn in_directory() -> io::Result<Self> {
        static PORT: AtomicU16 = AtomicU16::new(0);
        let path = directory::of_this_process()?;
        loop {
            let port = PORT.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let file = path.join(name(port));
            match UnixListener::bind(&file) {
                Ok(socket) => {
                    socket.set_nonblocking(true)?;
                    let (socket, place) =
                        (Listening::Unix(socket), Place::Directory { path, port });
                    return Ok(Self::new(socket, place));
                }
                // After 65 536 tests their names are used again; one of the first may still be there.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    if ended_tests::forget(&file, port) {
                        PORT.fetch_sub(1, Ordering::Relaxed);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn on_loopback() -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        let random = |number: u8| RandomState::new().hash_one(number);
        let token = format!("{:016x}{:016x}", random(0), random(1)).into();
        let (socket, place) = (Listening::Tcp(socket), Place::Loopback { port, token });
        Ok(Self::new(socket, place))
    }

    fn new(socket: Listening, place: Place) -> Self {
        Self {
            socket,
            place,
            test: None,
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Listening::Unix(socket) => socket.as_fd(),
            Listening::Tcp(socket) => socket.as_fd(),
        }
    }

    /// What stands before each client.
    pub(crate) fn gate(&self) -> Option<Gate> {
        match &self.place {
            Place::Directory { .. } => None,
            Place::Loopback { token, .. } => Some(Gate::new(token)),
        }
    }

    /// The next client that is waiting.
    pub(crate) fn accept(&self) -> io::Result<Socket> {
        let socket = match &self.socket {
            Listening::Unix(socket) => Socket::Unix(socket.accept()?.0),
            Listening::Tcp(socket) => {
                let (stream, _) = socket.accept()?;
                stream.set_nodelay(true)?;
                Socket::Tcp(stream)
            }
        };
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// The next client, however long it takes to come; reads from it wait, too.
    pub(crate) fn wait(&self) -> io::Result<Socket> {
        match &self.socket {
            Listening::Unix(socket) => socket.set_nonblocking(false)?,
            Listening::Tcp(socket) => socket.set_nonblocking(false)?,
        }
        let socket = self.accept()?;
        socket.set_nonblocking(false)?;
        Ok(socket)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Place::Directory { path, port } = &self.place else {
            return;
        };
        let file = path.join(name(*port));
        let taken_over = self
            .test
            .is_some_and(|test| ended_tests::take_over(path, &file, *port, test).is_ok());
        if !taken_over {
            fs::remove_file(file).ok();
        }
    }
}

fn name(port: u16) -> String {
    format!(".s.PGSQL.{port}")
}

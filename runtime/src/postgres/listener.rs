//! Where the connections of a test come in.

mod directory;
mod loopback;
mod unix;
mod url;

use std::{io, os::fd::BorrowedFd, path::PathBuf, sync::Arc};

use rustix::event::{PollFd, PollFlags, poll};

pub(crate) use self::{directory::remove_directory, url::unnamed};
use self::{loopback::Arrivals, unix::Numbered};
use super::{reception::Arrival, socket::Socket};
use crate::{environment, observe::log};

/// Chooses the loopback interface, for programs that know no Unix sockets.
const LOOPBACK: &str = "DB_TEST_LOOPBACK";

/// Where the connections of a test come in; no two tests of a process have the same place. What
/// outlives a test is refused, by its name.
#[derive(Debug)]
pub(crate) struct Listener {
    entrance: Entrance,
    endpoint: Endpoint,
    /// The test that it is for.
    test: Option<&'static str>,
}

#[derive(Debug)]
enum Entrance {
    Unix(Numbered),
    Loopback(Arrivals),
}

/// Where connections lead.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    /// In a directory that only this user can enter, by the name that a server on that port would
    /// use.
    Directory { path: PathBuf, port: u16 },
    /// On the loopback interface, where the token says which test it is.
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
        if environment::variable(LOOPBACK).is_some() {
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
        let socket = Numbered::open()?;
        let (path, port) = (socket.directory.clone(), socket.port);
        Ok(Self {
            entrance: Entrance::Unix(socket),
            endpoint: Endpoint::Directory { path, port },
            test: None,
        })
    }

    fn on_loopback() -> io::Result<Self> {
        let arrivals = Arrivals::open()?;
        let (port, token) = (arrivals.port, Arc::clone(&arrivals.token));
        Ok(Self {
            entrance: Entrance::Loopback(arrivals),
            endpoint: Endpoint::Loopback { port, token },
            test: None,
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Can be read when a client is waiting.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.entrance {
            Entrance::Unix(socket) => socket.descriptor(),
            Entrance::Loopback(arrivals) => arrivals.descriptor(),
        }
    }

    /// The next client that is waiting.
    pub(crate) fn accept(&self) -> io::Result<Arrival> {
        let arrival = match &self.entrance {
            Entrance::Unix(socket) => Arrival {
                socket: Socket::Unix(socket.accept()?),
                sent: Vec::new(),
            },
            Entrance::Loopback(arrivals) => arrivals.accept()?,
        };
        arrival.socket.set_nonblocking(true)?;
        Ok(arrival)
    }

    /// The next client, however long it takes to come; reads from it block, too.
    pub(crate) fn wait(&self) -> io::Result<Arrival> {
        loop {
            match self.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(arrival) => {
                    arrival.socket.set_nonblocking(false)?;
                    return Ok(arrival);
                }
            }
            let mut polled = [PollFd::from_borrowed_fd(self.descriptor(), PollFlags::IN)];
            match poll(&mut polled, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        match &self.entrance {
            Entrance::Unix(socket) => socket.retire(self.test),
            Entrance::Loopback(arrivals) => arrivals.retire(self.test),
        }
    }
}

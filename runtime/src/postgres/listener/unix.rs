//! A Unix socket for each test, numbered by a counter of the process.
//!
//! The name of an ended test's socket stays, as a link to the one socket of the
//! [reception](crate::postgres::reception).

use std::{
    fs, io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{
            fs::symlink,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use super::directory;
use crate::postgres::{
    ended_tests,
    reception::{Entrance, Reception},
    sqlstate,
};

/// The name of the reception's socket, in the directory of this process.
const RECEPTION: &str = ".ended";

/// How long a client may take to introduce itself, whose test has ended in any case.
const PATIENCE: Duration = Duration::from_millis(100);

/// A listening socket, by the name that a server on its port would use.
#[derive(Debug)]
pub(super) struct Numbered {
    socket: UnixListener,
    pub(super) directory: PathBuf,
    pub(super) port: u16,
}

impl Numbered {
    pub(super) fn open() -> io::Result<Self> {
        static PORT: AtomicU16 = AtomicU16::new(0);
        let directory = directory::of_this_process()?;
        loop {
            let port = PORT.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let path = path(&directory, port);
            match UnixListener::bind(&path) {
                Ok(socket) => {
                    socket.set_nonblocking(true)?;
                    return Ok(Self {
                        socket,
                        directory,
                        port,
                    });
                }
                // After 65 536 tests their names are used again; one of the first may still be
                // there.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    if ended_tests::forget(&port.to_string()) && fs::remove_file(&path).is_ok() {
                        PORT.fetch_sub(1, Ordering::Relaxed);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.socket.accept()?.0)
    }

    /// Gives the name up, or has it lead to the reception after a test has ended.
    pub(super) fn retire(&self, test: Option<&'static str>) {
        let leads_on = test.is_some_and(|test| self.lead_to_reception(test).is_ok());
        if !leads_on {
            fs::remove_file(path(&self.directory, self.port)).ok();
        }
    }

    fn lead_to_reception(&self, test: &'static str) -> io::Result<()> {
        static IS_OPEN: OnceLock<bool> = OnceLock::new();
        if !IS_OPEN.get_or_init(|| open_reception(&self.directory).is_ok()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let draft = self.directory.join(format!("{RECEPTION}.{}", self.port));
        symlink(RECEPTION, &draft)?;
        ended_tests::remember(self.port.to_string(), test);
        // In one step, so that a client finds the test or the reception.
        fs::rename(&draft, path(&self.directory, self.port))
    }
}

fn open_reception(directory: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(directory.join(RECEPTION))?;
    let reception = Reception {
        entrance: Entrance::Unix(listener),
        hand_over: |_, arrival| Some(arrival),
        patience: PATIENCE,
        to_strangers: (
            sqlstate::ADMIN_SHUTDOWN,
            "db-test: the test that this address belongs to has ended",
        ),
    };
    reception.open()
}

fn path(directory: &Path, port: u16) -> PathBuf {
    directory.join(format!(".s.PGSQL.{port}"))
}

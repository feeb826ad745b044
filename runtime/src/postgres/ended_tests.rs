//! Who answers in the place of tests that have ended: one socket for all of them, slowly.
//!
//! A task that outlives its test may try again at once after each error. Where a connection is refused without
//! a moment's wait, such a task never yields, and the runtime that all tests share starves. So the name of an
//! ended test's socket stays, and leads to a thread that refuses after a pause, by the name of the test.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::{
        fd::AsFd,
        unix::{
            fs::symlink,
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    error_response,
    gate::{self, Gate},
    socket::{Received, receive},
    sqlstate,
};
use crate::observe::announce::announce;

/// The name of the one socket, in the directory of this process.
const NAME: &str = ".ended";

/// How long whoever connects has to wait.
const PAUSE: Duration = Duration::from_millis(100);

/// So many are served at a time; the others wait for being accepted.
const CLIENTS: usize = 64;

/// The ended tests by the ports of their sockets: at most 65 536.
static ENDED: Mutex<BTreeMap<u16, &'static str>> = Mutex::new(BTreeMap::new());

/// The ended tests whose database was still used afterwards.
static USED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Has the path of a test's socket lead to who answers for ended tests.
pub(super) fn take_over(
    directory: &Path,
    path: &Path,
    port: u16,
    test: &'static str,
) -> io::Result<()> {
    static ANSWERING: OnceLock<bool> = OnceLock::new();
    if !ANSWERING.get_or_init(|| answer(directory).is_ok()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let draft = directory.join(format!(".ended.{port}"));
    symlink(NAME, &draft)?;
    locked(&ENDED).insert(port, test);
    // In one step, so that whoever connects finds the test or this.
    fs::rename(&draft, path)
}

/// Frees the name of an ended test's socket; says whether there was one.
pub(super) fn forget(path: &Path, port: u16) -> bool {
    let was_there = locked(&ENDED).remove(&port).is_some();
    was_there && fs::remove_file(path).is_ok()
}

/// What somebody is told who uses the database of an ended test.
pub(crate) fn refusal(test: &str) -> String {
    format!("db-test: the test `{test}` has ended, and with it this connection")
}

/// Notes that the database of an ended test was used, and says so once for each test.
pub(crate) fn used(test: &'static str) {
    if locked(&USED).insert(test) {
        announce(format_args!(
            "{test}: it has ended, and a task that it has left still uses its database; have the test wait for \
             what it spawns, or abort it"
        ));
    }
}

/// The ended tests whose database was still used afterwards.
pub(crate) fn used_afterwards() -> Vec<&'static str> {
    locked(&USED).iter().copied().collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(directory: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(directory.join(NAME))?;
    listener.set_nonblocking(true)?;
    let thread = thread::Builder::new().name("db-test-ended".to_owned());
    thread.spawn(move || {
        let mut clients = Vec::new();
        while serve(&listener, &mut clients).is_ok() {}
    })?;
    Ok(())
}

/// Somebody who has come too late.
struct Client {
    socket: UnixStream,
    gate: Gate,
    /// When it is refused at the latest.
    until: Instant,
    /// It has said everything that is of interest.
    is_heard: bool,
}

/// One round: waits, accepts, hears and refuses.
fn serve(listener: &UnixListener, clients: &mut Vec<Client>) -> io::Result<()> {
    let next = clients.iter().map(|client| client.until).min();
    let limit = next.map(|next| {
        let left = next.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        Timespec {
            tv_sec: 0,
            tv_nsec: left.subsec_nanos().into(),
        }
    });
    let mut polled = Vec::with_capacity(clients.len() + 1);
    let heard = |client: &&Client| !client.is_heard;
    for client in clients.iter().filter(heard) {
        polled.push(PollFd::from_borrowed_fd(
            client.socket.as_fd(),
            PollFlags::IN,
        ));
    }
    if clients.len() < CLIENTS {
        polled.push(PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN));
    }
    match poll(&mut polled, limit.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    while clients.len() < CLIENTS {
        match listener.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(true)?;
                clients.push(Client {
                    socket,
                    gate: Gate::learning(),
                    until: Instant::now() + PAUSE,
                    is_heard: false,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // Without a descriptor for it, it waits until another one has gone.
            Err(_) => {
                thread::sleep(PAUSE);
                break;
            }
        }
    }
    let now = Instant::now();
    clients.retain_mut(|client| client.hear() && !client.is_refused(now));
    Ok(())
}

impl Client {
    /// Reads what has come; says whether the client is still there.
    fn hear(&mut self) -> bool {
        let mut chunk = [0; 4096];
        while !self.is_heard {
            let said = match receive(&mut self.socket, &mut chunk) {
                Ok(Received::Bytes(length)) => &chunk[..length],
                Ok(Received::Nothing) => return true,
                Ok(Received::End) | Err(_) => return false,
            };
            match self.gate.hear(said) {
                gate::Verdict::Wait => {}
                gate::Verdict::Tell(answer) => {
                    io::Write::write_all(&mut self.socket, &answer).ok();
                }
                gate::Verdict::Admit(_) | gate::Verdict::Refuse(_) => self.is_heard = true,
            }
        }
        true
    }

    /// Refuses the client when it has waited long enough.
    fn is_refused(&mut self, now: Instant) -> bool {
        if now < self.until {
            return false;
        }
        let port = self.gate.password().and_then(|port| port.parse().ok());
        let test = port.and_then(|port: u16| locked(&ENDED).get(&port).copied());
        let message = match test {
            Some(test) => {
                used(test);
                refusal(test)
            }
            None => "db-test: the test that this address belongs to has ended".to_owned(),
        };
        let message = error_response(sqlstate::ADMIN_SHUTDOWN, &message);
        io::Write::write_all(&mut self.socket, &message).ok();
        true
    }
}

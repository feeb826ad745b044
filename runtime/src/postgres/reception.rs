//! The thread that takes connections until it is known to which test they belong: on the loopback
//! interface every connection, on Unix sockets those of tests that have ended.
//!
//! A client introduces itself, and its password says which test it is of. A task that outlives its
//! test may try again at once after each error. Where a connection is refused without a pause, such
//! a task never yields, and the runtime that all tests share starves. So the refusal comes after a
//! pause, by the name of the test.

use std::{
    io::{self, Write as _},
    net::TcpListener,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixListener,
    },
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    ended_tests, error_response,
    gate::{Gate, Verdict},
    socket::{Received, Socket, receive},
    sqlstate,
};

/// How long a client that is refused has to wait.
const PAUSE: Duration = Duration::from_millis(100);

/// The most clients that are served at a time; the others wait to be accepted.
const GUESTS: usize = 64;

/// A connection, with what it has sent so far and nobody has answered.
pub(crate) struct Arrival {
    pub(crate) socket: Socket,
    pub(crate) sent: Vec<u8>,
}

/// Where connections come in, and what is done with them.
pub(super) struct Reception {
    pub(super) entrance: Entrance,
    /// Takes the connection to the running test that a password names; gives it back if there is
    /// none. A request to cancel has no password.
    pub(super) hand_over: fn(Option<&str>, Arrival) -> Option<Arrival>,
    /// How long a client may take to introduce itself.
    pub(super) patience: Duration,
    /// What a client gets that knows the password of no test, as an SQLSTATE and a message.
    pub(super) to_strangers: (&'static str, &'static str),
}

pub(super) enum Entrance {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A client that has not been led to a test.
struct Guest {
    socket: Socket,
    gate: Gate,
    arrived: Instant,
    stage: Stage,
}

enum Stage {
    Introducing,
    /// Its test has ended, or there never was one. It is refused after the pause.
    Late {
        password: Option<String>,
    },
}

impl Reception {
    /// Starts the thread.
    pub(super) fn open(self) -> io::Result<()> {
        self.entrance.set_nonblocking()?;
        let thread = thread::Builder::new().name("db-test-reception".to_owned());
        thread.spawn(move || {
            let mut guests = Vec::new();
            while self.serve(&mut guests).is_ok() {}
        })?;
        Ok(())
    }

    /// One round: waits, accepts, reads, hands over and refuses.
    fn serve(&self, guests: &mut Vec<Guest>) -> io::Result<()> {
        self.wait(guests)?;
        while guests.len() < GUESTS {
            match self.entrance.accept() {
                Ok(socket) => guests.push(Guest {
                    socket,
                    gate: Gate::default(),
                    arrived: Instant::now(),
                    stage: Stage::Introducing,
                }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Without a descriptor for it, it waits until another one has gone.
                Err(_) => {
                    thread::sleep(PAUSE);
                    break;
                }
            }
        }
        let all = std::mem::take(guests);
        guests.extend(all.into_iter().filter_map(|guest| self.advance(guest)));
        Ok(())
    }

    fn wait(&self, guests: &[Guest]) -> io::Result<()> {
        let next = guests.iter().map(|guest| self.deadline(guest)).min();
        let limit = next.map(|next| {
            let left = next.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        let mut polled = Vec::with_capacity(guests.len() + 1);
        let is_introducing = |guest: &&Guest| matches!(guest.stage, Stage::Introducing);
        for guest in guests.iter().filter(is_introducing) {
            let socket = guest.socket.descriptor();
            polled.push(PollFd::from_borrowed_fd(socket, PollFlags::IN));
        }
        if guests.len() < GUESTS {
            let entrance = self.entrance.descriptor();
            polled.push(PollFd::from_borrowed_fd(entrance, PollFlags::IN));
        }
        match poll(&mut polled, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn deadline(&self, guest: &Guest) -> Instant {
        match guest.stage {
            Stage::Introducing => guest.arrived + self.patience,
            Stage::Late { .. } => guest.arrived + PAUSE,
        }
    }

    /// Reads what a guest has sent; gives it back while it stays one.
    fn advance(&self, mut guest: Guest) -> Option<Guest> {
        let mut chunk = [0; 4096];
        while matches!(guest.stage, Stage::Introducing) {
            let sent = match receive(&mut guest.socket, &mut chunk) {
                Ok(Received::Bytes(length)) => &chunk[..length],
                Ok(Received::Nothing) => break,
                Ok(Received::End) | Err(_) => return None,
            };
            match guest.gate.receive(sent) {
                Verdict::Wait => {}
                Verdict::Send(answer) => drop(guest.socket.write_all(&answer)),
                Verdict::Refuse(answer) => {
                    guest.socket.write_all(&answer).ok();
                    return None;
                }
                Verdict::Introduced { password, sent } => {
                    let socket = guest.socket;
                    let arrival = Arrival { socket, sent };
                    guest.socket = (self.hand_over)(password.as_deref(), arrival)?.socket;
                    guest.stage = Stage::Late { password };
                }
            }
        }
        if Instant::now() < self.deadline(&guest) {
            return Some(guest);
        }
        self.refuse(&mut guest);
        None
    }

    fn refuse(&self, guest: &mut Guest) {
        let test = match &guest.stage {
            Stage::Late {
                password: Some(password),
            } => ended_tests::by_password(password),
            _ => None,
        };
        let answer = if let Some(test) = test {
            ended_tests::used(test);
            error_response(sqlstate::ADMIN_SHUTDOWN, &ended_tests::refusal(test))
        } else {
            let (code, message) = self.to_strangers;
            error_response(code, message)
        };
        guest.socket.write_all(&answer).ok();
    }
}

impl Entrance {
    fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Unix(listener) => listener.set_nonblocking(true),
            Self::Tcp(listener) => listener.set_nonblocking(true),
        }
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(listener) => listener.as_fd(),
            Self::Tcp(listener) => listener.as_fd(),
        }
    }

    fn accept(&self) -> io::Result<Socket> {
        let socket = match self {
            Self::Unix(listener) => Socket::Unix(listener.accept()?.0),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                Socket::Tcp(stream)
            }
        };
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

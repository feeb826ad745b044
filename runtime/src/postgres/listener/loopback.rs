//! One port on the loopback interface for all tests of the process. All users of the machine share
//! that interface, so each test has a token that nobody can guess. It is the password of the test's
//! URL, and says which test it is.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    io,
    net::{Ipv4Addr, TcpListener},
    os::{fd::BorrowedFd, unix::net::UnixStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use crate::postgres::{
    ended_tests,
    reception::{Arrival, Entrance, Reception},
    socket::Socket,
    sqlstate,
    waker::{self, Waiter, Waker},
};

/// How long a client may take to introduce itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// The port, once it is open.
static PORT: Mutex<Option<u16>> = Mutex::new(None);

/// The tests that run, by their tokens.
static TESTS: Mutex<BTreeMap<Arc<str>, Entry>> = Mutex::new(BTreeMap::new());

/// The way to a test.
struct Entry {
    arrivals: mpsc::Sender<Arrival>,
    waker: Waker,
}

/// The connections that the reception has led to a test.
#[derive(Debug)]
pub(super) struct Arrivals {
    received: mpsc::Receiver<Arrival>,
    waiter: Waiter,
    pub(super) port: u16,
    pub(super) token: Arc<str>,
}

impl Arrivals {
    pub(super) fn open() -> io::Result<Self> {
        let port = port()?;
        let random = |number: u8| RandomState::new().hash_one(number);
        let token: Arc<str> = format!("{:016x}{:016x}", random(0), random(1)).into();
        let (arrivals, received) = mpsc::channel();
        let (waker, waiter) = waker::pair()?;
        locked(&TESTS).insert(Arc::clone(&token), Entry { arrivals, waker });
        Ok(Self {
            received,
            waiter,
            port,
            token,
        })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.waiter.descriptor()
    }

    pub(super) fn accept(&self) -> io::Result<Arrival> {
        if let Ok(next) = self.received.try_recv() {
            // Not drained: several that came together woke once.
            return Ok(next);
        }
        // Before the last look, so that one which comes meanwhile wakes again.
        self.waiter.drain();
        let next = self.received.try_recv();
        next.map_err(|_| io::ErrorKind::WouldBlock.into())
    }

    /// Has the token lead nowhere, or to a refusal by the name of a test that has ended.
    pub(super) fn retire(&self, test: Option<&'static str>) {
        if let Some(test) = test {
            ended_tests::remember(self.token.to_string(), test);
        }
        locked(&TESTS).remove(&self.token);
    }
}

/// Opens the port if it is not open.
fn port() -> io::Result<u16> {
    let mut opened = locked(&PORT);
    if let Some(port) = *opened {
        return Ok(port);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let reception = Reception {
        entrance: Entrance::Tcp(listener),
        hand_over,
        patience: PATIENCE,
        to_strangers: (
            sqlstate::INVALID_PASSWORD,
            "db-test: this is not the password of the test's URL",
        ),
    };
    reception.open()?;
    *opened = Some(port);
    Ok(port)
}

fn hand_over(password: Option<&str>, arrival: Arrival) -> Option<Arrival> {
    let tests = locked(&TESTS);
    let Some(password) = password else {
        request_cancel(&tests, &arrival.sent);
        return None;
    };
    match tests.get(password) {
        Some(entry) => entry.take(arrival).err(),
        None => Some(arrival),
    }
}

/// Passes a request to cancel on to all tests: only one of them knows the secret that it holds.
fn request_cancel(tests: &BTreeMap<Arc<str>, Entry>, request: &[u8]) {
    for entry in tests.values() {
        if let Ok((socket, _)) = UnixStream::pair() {
            let arrival = Arrival {
                socket: Socket::Unix(socket),
                sent: request.to_vec(),
            };
            entry.take(arrival).ok();
        }
    }
}

impl Entry {
    /// Gives the connection back if the test does not listen any more.
    fn take(&self, arrival: Arrival) -> Result<(), Arrival> {
        self.arrivals.send(arrival).map_err(|refused| refused.0)?;
        self.waker.wake();
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::{Arrival, Arrivals, Socket, hand_over};

    #[test]
    fn of_two_that_come_together_the_second_is_not_left_waiting() {
        let arrivals = Arrivals::open().expect("a port is free");
        for _ in 0..2 {
            let (socket, _) = UnixStream::pair().expect("there are sockets");
            let arrival = Arrival {
                socket: Socket::Unix(socket),
                sent: Vec::new(),
            };
            assert!(hand_over(Some(&arrivals.token), arrival).is_none());
        }
        assert!(arrivals.accept().is_ok());
        let mut polled = [PollFd::from_borrowed_fd(
            arrivals.descriptor(),
            PollFlags::IN,
        )];
        let at_once = Timespec::default();
        assert_eq!(poll(&mut polled, Some(&at_once)), Ok(1));
        assert!(arrivals.accept().is_ok());
        assert!(arrivals.accept().is_err());
        arrivals.retire(None);
    }
}

//! Waiting until a socket is ready or a time has come.

use std::time::{Duration, Instant};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::Driver;

/// What can be read, or has ended.
pub(super) const READABLE: PollFlags = PollFlags::IN.union(PollFlags::HUP).union(PollFlags::ERR);

/// What `poll` has found.
pub(super) struct Readiness {
    pub(super) backend: PollFlags,
    pub(super) is_woken: bool,
    pub(super) has_arrivals: bool,
    /// In the order of the driver's connections.
    pub(super) connections: Vec<PollFlags>,
}

impl Readiness {
    pub(super) fn none() -> Self {
        Self {
            backend: PollFlags::empty(),
            is_woken: false,
            has_arrivals: false,
            connections: Vec::new(),
        }
    }

    /// Whether a socket was ready, other than that by which the harness wakes the thread.
    pub(super) fn has_traffic(&self) -> bool {
        self.has_arrivals
            || !self.backend.is_empty()
            || self.connections.iter().any(|flags| !flags.is_empty())
    }

    /// Finds out what there is to do, and waits for it unless this is only a look.
    pub(super) fn wait(&mut self, driver: &mut Driver, only_looks: bool) -> rustix::io::Result<()> {
        let mut unread = 0;
        self.connections.clear();
        for connection in &driver.connections {
            let (waiting, interest) = connection.interest(&driver.engine);
            unread += waiting;
            self.connections.push(interest);
        }
        let mut of_backend = PollFlags::empty();
        if !driver.backend.is_lost() {
            let output = driver.engine.backend_output();
            of_backend = driver.backend.interest(unread, output);
        }
        let now = Instant::now();
        let pause = driver.accept_after.filter(|after| *after > now);
        let deadline = [driver.engine.deadline(), pause]
            .into_iter()
            .flatten()
            .min();
        let listener = driver.serving.listener().filter(|_| pause.is_none());

        let mut polled = Vec::with_capacity(self.connections.len() + 3);
        let waiter = driver.waiter.descriptor();
        polled.push(PollFd::from_borrowed_fd(waiter, PollFlags::IN));
        // What nothing is wanted of is not waited for at all: `poll` would report its end again and
        // again.
        if !of_backend.is_empty() {
            let backend = driver.backend.connection.stream.descriptor();
            polled.push(PollFd::from_borrowed_fd(backend, of_backend));
        }
        if let Some(listener) = listener {
            let listener = listener.descriptor();
            polled.push(PollFd::from_borrowed_fd(listener, PollFlags::IN));
        }
        for (connection, interest) in driver.connections.iter().zip(&self.connections) {
            if !interest.is_empty() {
                let client = connection.socket.descriptor();
                polled.push(PollFd::from_borrowed_fd(client, *interest));
            }
        }
        let deadline = if only_looks { Some(now) } else { deadline };
        let limit = deadline.map(|deadline| timespec(deadline.saturating_duration_since(now)));
        match poll(&mut polled, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }

        let mut found = polled.iter().map(PollFd::revents);
        let mut next = |is_polled: bool| {
            let flags = is_polled.then(|| found.next()).flatten();
            flags.unwrap_or(PollFlags::empty())
        };
        self.is_woken = !next(true).is_empty();
        self.backend = next(!of_backend.is_empty());
        self.has_arrivals = !next(listener.is_some()).is_empty();
        for connection in &mut self.connections {
            *connection = next(!connection.is_empty());
        }
        Ok(())
    }
}

fn timespec(duration: Duration) -> Timespec {
    // Rounded up by less than `poll` would be late, so that it does not wake before the time.
    let duration = duration + Duration::from_micros(50);
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

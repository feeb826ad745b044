//! Passing bytes between a client and a server, on a thread of its own.
//!
//! A thread that waits in `poll` for two sockets costs less than two tasks of a runtime: there is
//! no readiness to register, and nothing to wake but the reader.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Instant,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Injector, Observer, probed};
use crate::{
    observe::recording::{ClientId, Probe, Recording, Waiting},
    postgres::{
        outbox::Outbox,
        proxy::Watch,
        socket::{Received, Socket, receive},
        upstream::Stream,
        waker::{self, Waiter, Waker},
    },
};

/// The most that is passed at once, in bytes.
const CHUNK: usize = 32 * 1024;

/// The most that may wait to be written to one side, in bytes. Beyond it the other side is not
/// read.
const WAITING: usize = 1024 * 1024;

const READABLE: PollFlags = PollFlags::IN.union(PollFlags::HUP).union(PollFlags::ERR);

/// The two sides, with what could not be written to each yet.
struct Passage {
    client: Socket,
    to_client: Direction,
    server: Stream,
    to_server: Direction,
    /// The client sends nothing more, and the server knows that.
    is_finished: bool,
    is_server_told: bool,
}

/// What follows a connection of a test.
pub(super) struct Watcher {
    observer: Observer,
    injector: Injector,
    recording: Arc<Recording>,
    /// The client waits for an answer.
    waiting: Option<Waiting>,
    waiter: Waiter,
    waker: Arc<Waker>,
}

impl Watcher {
    /// Follows a client that waits to be let in.
    pub(super) fn new(test: Watch) -> io::Result<Self> {
        let (waker, waiter) = waker::pair()?;
        let recording = test.recording;
        Ok(Self {
            observer: Observer::new(Arc::clone(&recording), ClientId::next()),
            injector: Injector::new(test.faults),
            waiting: Some(recording.pulse().waiting()),
            recording,
            waiter,
            waker: Arc::new(waker),
        })
    }

    /// Notes that the client is not of the test's pool.
    pub(super) fn opened_elsewhere(&self) {
        self.observer.opened_elsewhere();
    }

    /// Says whether the client waits for an answer, and answers the probe of before this round.
    fn beat(&mut self, probe: &Probe, requested: Option<u64>) {
        if !self.observer.owes_an_answer() {
            self.waiting = None;
        } else if self.waiting.is_none() {
            self.waiting = Some(self.recording.pulse().waiting());
        }
        if let Some(requested) = requested {
            self.waiter.drain();
            probe.answer(requested);
        }
    }
}

/// What goes to one side.
#[derive(Default)]
struct Direction {
    sending: Outbox,
    /// What comes after that.
    next: Vec<u8>,
}

/// Passes bytes until either side ends. What one side has sent before its end is passed on.
///
/// Neither side is waited for while the other one has something to say: a server that sends rows
/// while its client is still sending parameters would otherwise stop both.
pub(super) fn run(client: Socket, server: Stream, watcher: Option<Watcher>) -> io::Result<()> {
    client.set_nonblocking(true)?;
    server.set_nonblocking(true)?;
    let mut passage = Passage {
        client,
        to_client: Direction::default(),
        server,
        to_server: Direction::default(),
        is_finished: false,
        is_server_told: false,
    };
    match passage.pass(watcher)? {
        EndedBy::Client => Ok(()),
        EndedBy::Server => passage.finish(),
    }
}

/// Which side has ended a connection.
enum EndedBy {
    Client,
    Server,
}

impl Direction {
    fn send(&mut self, peer: &mut impl Write) -> io::Result<()> {
        self.sending.send(peer, &mut self.next)
    }

    fn len(&self) -> usize {
        self.sending.len() + self.next.len()
    }
}

impl Passage {
    fn pass(&mut self, mut watcher: Option<Watcher>) -> io::Result<EndedBy> {
        let probe = watcher
            .as_ref()
            .map(|watcher| probed(&watcher.recording, &watcher.waker));
        let mut chunk = vec![0; CHUNK];
        loop {
            let deadline = watcher
                .as_ref()
                .and_then(|watcher| watcher.injector.deadline());
            let requested = probe.as_ref().and_then(|probe| probe.requested());
            // Who wants to know what has arrived is not kept waiting until something does.
            let waiter = watcher.as_ref().map(|watcher| &watcher.waiter);
            let waiter = waiter.filter(|_| requested.is_none());
            let limit = requested.map_or(deadline, |_| Some(Instant::now()));
            let holds_back = watcher
                .as_ref()
                .is_some_and(|watcher| watcher.injector.holds_back());
            let (from_client, from_server) = self.ready(holds_back, limit, waiter)?;
            if from_server.intersects(READABLE) {
                loop {
                    match receive(&mut self.server, &mut chunk) {
                        Ok(Received::End) | Err(_) => return Ok(EndedBy::Server),
                        // First, so that a client that has an answer finds it recorded.
                        Ok(Received::Bytes(length)) => {
                            self.server_bytes(&mut watcher, &chunk[..length])?;
                            let is_full = self.to_client.len() >= WAITING;
                            if !self.server.may_hold_more(length, CHUNK, is_full) {
                                break;
                            }
                        }
                        Ok(Received::Nothing) => break,
                    }
                }
            }
            if from_client.intersects(READABLE) {
                match receive(&mut self.client, &mut chunk)? {
                    Received::End if from_client.intersects(PollFlags::HUP) => {
                        return Ok(EndedBy::Client);
                    }
                    Received::End => self.is_finished = true,
                    Received::Bytes(length) => {
                        self.client_bytes(&mut watcher, &chunk[..length])?;
                    }
                    Received::Nothing => {}
                }
            }
            if let Some(watcher) = &mut watcher {
                let out = &mut self.to_server.next;
                watcher.injector.go_on(Instant::now(), out)?;
                if watcher.injector.is_cut_off() {
                    let last = Injector::last_words();
                    watcher.observer.server_bytes(&last);
                    self.to_client.next.extend_from_slice(&last);
                    return Ok(EndedBy::Server);
                }
            }
            if let (Some(watcher), Some(probe)) = (&mut watcher, &probe) {
                watcher.beat(probe, requested);
            }
            self.to_client.send(&mut self.client)?;
            // A server that has ended is still to be read, up to why.
            if self.to_server.send(&mut self.server).is_err() {
                self.to_server = Direction::default();
            }
            if self.is_finished && !self.is_server_told && !self.has_more(watcher.as_ref()) {
                self.is_server_told = true;
                self.server.finish().ok();
            }
        }
    }

    /// Whether something of the client has still to be sent.
    fn has_more(&self, watcher: Option<&Watcher>) -> bool {
        let holds_back = watcher.is_some_and(|watcher| watcher.injector.holds_back());
        holds_back || self.to_server.len() > 0
    }

    fn client_bytes(&mut self, watcher: &mut Option<Watcher>, bytes: &[u8]) -> io::Result<()> {
        let out = &mut self.to_server.next;
        let Some(watcher) = watcher else {
            out.extend_from_slice(bytes);
            return Ok(());
        };
        watcher.observer.client_bytes(bytes);
        watcher.injector.client_bytes(bytes, Instant::now(), out)
    }

    fn server_bytes(&mut self, watcher: &mut Option<Watcher>, bytes: &[u8]) -> io::Result<()> {
        let out = &mut self.to_client.next;
        let Some(watcher) = watcher else {
            out.extend_from_slice(bytes);
            return Ok(());
        };
        let at = out.len();
        let to_server = &mut self.to_server.next;
        watcher.injector.server_bytes(bytes, out, to_server)?;
        watcher.observer.server_bytes(&out[at..]);
        Ok(())
    }

    /// Waits until one side can be read, or written to where something is left to be written, or
    /// the deadline has come. While a fault holds the client back, it is not read. A client that
    /// has finished is waited for only where something is to be written to it: `poll` would report
    /// its end again and again.
    fn ready(
        &self,
        holds_back: bool,
        deadline: Option<Instant>,
        waiter: Option<&Waiter>,
    ) -> io::Result<(PollFlags, PollFlags)> {
        let interest = |incoming: &Direction, outgoing: bool| {
            let mut interest = PollFlags::empty();
            interest.set(PollFlags::IN, incoming.len() < WAITING);
            interest.set(PollFlags::OUT, outgoing);
            interest
        };
        let sending = self.to_server.len() > 0 || self.server.wants_write();
        let (mut client, server) = (
            interest(&self.to_server, self.to_client.len() > 0),
            interest(&self.to_client, sending),
        );
        if holds_back || self.is_finished {
            client.remove(PollFlags::IN);
        }
        let is_asked = !client.is_empty() || !self.is_finished;
        let mut polled = vec![PollFd::from_borrowed_fd(self.server.descriptor(), server)];
        if is_asked {
            polled.push(PollFd::from_borrowed_fd(self.client.descriptor(), client));
        }
        if let Some(waiter) = waiter {
            polled.push(PollFd::from_borrowed_fd(waiter.descriptor(), PollFlags::IN));
        }
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let limit = left.map(|left| Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            });
            match poll(&mut polled, limit.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                result => {
                    result?;
                    let client = polled.get(1).filter(|_| is_asked);
                    let client = client.map_or(PollFlags::empty(), PollFd::revents);
                    return Ok((client, polled[0].revents()));
                }
            }
        }
    }

    /// Writes what the client is still to hear, however long that takes.
    fn finish(mut self) -> io::Result<()> {
        self.client.set_nonblocking(false)?;
        self.to_client.send(&mut self.client)
    }
}

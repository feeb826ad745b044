//! Sockets and a clock for the engine: one thread, which waits in `poll`.

use std::{
    collections::VecDeque,
    io::Write as _,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::sync::oneshot;

use super::{
    BASE,
    api::{self, ClientId, Event, Finished, MarkRefused, Proof, Setup},
    engine::Engine,
    handle::{Command, Ended, Marking, Test},
};
use crate::{
    observe::{
        log,
        recording::{self, Recording, Statement},
    },
    postgres::{
        ended_tests,
        gate::{Gate, Verdict},
        listener::Listener,
        outbox::Outbox,
        socket::{Received, Socket, receive},
        upstream::{Session, Upstream},
        waker::{Waiter, Waker},
    },
};

/// The most that is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// So much may wait to be written before more is read that adds to it, in bytes.
const WAITING: usize = 1024 * 1024;

/// How long a client waits for another one's open transaction before it is let in.
const WAIT: Duration = Duration::from_millis(50);

/// How long the server may take to answer the last query of a connection.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// The pause after a client that could not be accepted.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What can be read, or has ended.
const READABLE: PollFlags = PollFlags::IN.union(PollFlags::HUP).union(PollFlags::ERR);

/// The thread of one lane.
pub(super) struct Driver {
    engine: Engine,
    backend: Session,
    to_backend: Outbox,
    upstream: Upstream,
    /// How many requests to cancel are under way.
    cancelling: Arc<AtomicUsize>,
    clients: Vec<Client>,
    listener: Option<Listener>,
    /// Where nobody is let in any more. Giving it up takes file operations, for which there is time while the server works.
    retired: Option<Listener>,
    /// No client is accepted before, because there was no descriptor left for one.
    accept_after: Option<Instant>,
    recording: Option<Arc<Recording>>,
    ending: Option<oneshot::Sender<Ended>>,
    /// How the test has ended, while a request to cancel could still hit what comes after it.
    ended: Option<Ended>,
    /// Who waits for a mark to be set or restored.
    marking: VecDeque<oneshot::Sender<Result<(), MarkRefused>>>,
    commands: mpsc::Receiver<Command>,
    waiter: Waiter,
    waker: Arc<Waker>,
    chunk: Vec<u8>,
}

struct Client {
    id: ClientId,
    /// By what its statements are told apart in the recording.
    recorded: recording::ClientId,
    socket: Socket,
    outbox: Outbox,
    /// What it has to pass first.
    gate: Option<Gate>,
}

/// What `poll` has found.
struct Found {
    backend: PollFlags,
    woken: bool,
    arrived: bool,
    /// By their place among the clients.
    clients: Vec<PollFlags>,
}

impl Driver {
    pub(super) fn new(
        session: Session,
        upstream: Upstream,
        release_locks: String,
        (waker, waiter): (Arc<Waker>, Waiter),
        commands: mpsc::Receiver<Command>,
    ) -> std::io::Result<Self> {
        session.stream.set_nonblocking(true)?;
        Ok(Self {
            engine: Engine::new(setup(&session, release_locks)),
            backend: session,
            to_backend: Outbox::default(),
            upstream,
            cancelling: Arc::default(),
            clients: Vec::new(),
            listener: None,
            retired: None,
            accept_after: None,
            recording: None,
            ending: None,
            ended: None,
            marking: VecDeque::new(),
            commands,
            waiter,
            waker,
            chunk: vec![0; CHUNK],
        })
    }

    /// Serves until the connection to the server ends, by either side.
    pub(super) fn run(mut self) {
        let mut found = Found {
            backend: PollFlags::empty(),
            woken: false,
            arrived: false,
            clients: Vec::new(),
        };
        loop {
            if self.wait(&mut found).is_err() {
                return;
            }
            if found.backend.intersects(READABLE) {
                self.hear_backend();
            }
            if found.woken && self.obey().is_break() {
                return;
            }
            if found.arrived {
                self.accept();
            }
            self.hear_clients(&found.clients);
            self.engine.pump(Instant::now());
            self.tell_backend();
            self.retired = None;
            let is_over = self.heed_events();
            self.tell_clients();
            if let Some(recording) = &self.recording {
                recording.pulse().beat(self.engine.is_busy());
            }
            self.conclude();
            if is_over && self.recording.is_none() && self.ended.is_none() {
                return;
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, found: &mut Found) -> rustix::io::Result<()> {
        let mut polled = Vec::with_capacity(self.clients.len() + 3);
        found.clients.clear();
        let mut unread = 0;
        for client in &self.clients {
            let (waiting, wants_bytes) = self.engine.interest(client.id);
            let waiting = waiting + client.outbox.len();
            unread += waiting;
            let mut interest = PollFlags::empty();
            if waiting > 0 {
                interest |= PollFlags::OUT;
            }
            if wants_bytes && waiting < WAITING {
                interest |= PollFlags::IN;
            }
            found.clients.push(interest);
            // Who is not to be read is not waited for at all: `poll` would report its end again and again.
            if !interest.is_empty() {
                polled.push(PollFd::from_borrowed_fd(
                    client.socket.descriptor(),
                    interest,
                ));
            }
        }
        let mut interest = PollFlags::empty();
        let sending = !self.engine.backend_output().is_empty()
            || !self.to_backend.is_empty()
            || self.backend.stream.wants_write();
        interest.set(PollFlags::OUT, sending);
        interest.set(PollFlags::IN, unread < WAITING);
        let at = polled.len();
        polled.push(PollFd::from_borrowed_fd(
            self.backend.stream.descriptor(),
            interest,
        ));
        polled.push(PollFd::from_borrowed_fd(
            self.waiter.descriptor(),
            PollFlags::IN,
        ));
        let mut deadline = self.engine.deadline();
        let mut listener = self.listener.as_ref();
        if let Some(after) = self.accept_after.filter(|after| *after > Instant::now()) {
            listener = None;
            deadline = Some(deadline.map_or(after, |deadline| deadline.min(after)));
        }
        if let Some(listener) = listener {
            polled.push(PollFd::from_borrowed_fd(
                listener.descriptor(),
                PollFlags::IN,
            ));
        }
        let limit =
            deadline.map(|deadline| timespec(deadline.saturating_duration_since(Instant::now())));
        match poll(&mut polled, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        let mut results = polled.iter();
        for client in &mut found.clients {
            if !client.is_empty() {
                *client = results.next().map_or(PollFlags::empty(), PollFd::revents);
            }
        }
        found.backend = polled[at].revents();
        found.woken = !polled[at + 1].revents().is_empty();
        found.arrived = polled
            .get(at + 2)
            .is_some_and(|listener| !listener.revents().is_empty());
        Ok(())
    }

    fn hear_backend(&mut self) {
        let mut heard = 0;
        loop {
            match receive(&mut self.backend.stream, &mut self.chunk) {
                Ok(Received::Bytes(length)) => {
                    self.engine.backend_bytes(&self.chunk[..length]);
                    heard += length;
                    let stream = &self.backend.stream;
                    if stream.may_hold_more(length, CHUNK, heard >= WAITING) {
                        continue;
                    }
                }
                Ok(Received::Nothing) => {}
                Ok(Received::End) => self
                    .engine
                    .backend_closed("the server closed the connection"),
                Err(error) => self.engine.backend_closed(&error.to_string()),
            }
            return;
        }
    }

    fn hear_clients(&mut self, found: &[PollFlags]) {
        for index in 0..self.clients.len() {
            // What was accepted a moment ago has often said something already.
            if found
                .get(index)
                .is_none_or(|flags| flags.intersects(READABLE))
            {
                self.hear_client(index);
            }
        }
    }

    fn hear_client(&mut self, index: usize) {
        let client = &mut self.clients[index];
        match receive(&mut client.socket, &mut self.chunk) {
            Ok(Received::Bytes(length)) => {
                let said = &self.chunk[..length];
                let Some(gate) = &mut client.gate else {
                    self.engine.client_bytes(client.id, said);
                    return;
                };
                match gate.hear(said) {
                    Verdict::Wait => {}
                    Verdict::Tell(answer) => self.engine.client_output(client.id).extend(answer),
                    Verdict::Admit(said) => {
                        client.gate = None;
                        self.engine.client_bytes(client.id, &said);
                    }
                    Verdict::Refuse(answer) => {
                        // It is too short not to be taken at once.
                        client.socket.write_all(&answer).ok();
                        self.engine.client_closed(client.id);
                    }
                }
            }
            Ok(Received::Nothing) => {}
            Ok(Received::End) | Err(_) => self.engine.client_closed(client.id),
        }
    }

    fn accept(&mut self) {
        self.accept_after = None;
        while let Some(listener) = &self.listener {
            match listener.accept() {
                Ok(socket) => {
                    self.clients.push(Client {
                        id: self.engine.connect(),
                        recorded: recording::ClientId::next(),
                        socket,
                        outbox: Outbox::default(),
                        gate: listener.gate(),
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.accept_after = Some(Instant::now() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn tell_backend(&mut self) {
        let output = self.engine.backend_output();
        if let Err(error) = self.to_backend.send(&mut self.backend.stream, output) {
            self.to_backend.clear();
            self.engine.backend_output().clear();
            // A server that ends a connection says why, and that is there to be read.
            self.hear_backend();
            self.engine.backend_closed(&error.to_string());
            self.engine.pump(Instant::now());
        }
    }

    /// Writes what clients are to hear, and lets go of those that are done.
    fn tell_clients(&mut self) {
        let engine = &mut self.engine;
        self.clients.retain_mut(|client| {
            let output = engine.client_output(client.id);
            if client.outbox.send(&mut client.socket, output).is_err() {
                client.outbox.clear();
                engine.client_closed(client.id);
            }
            let stays = !client.outbox.is_empty() || !engine.is_gone(client.id);
            if !stays {
                engine.forget(client.id);
            }
            stays
        });
    }

    /// Does what the harness asks.
    fn obey(&mut self) -> std::ops::ControlFlow<()> {
        use std::ops::ControlFlow::{Break, Continue};
        self.waiter.drain();
        loop {
            match self.commands.try_recv() {
                Ok(Command::Begin(Test { listener, watch })) => {
                    self.engine.begin_test(api::Test {
                        name: watch.recording.test(),
                        settings: Vec::new(),
                        faults: watch.faults,
                    });
                    self.listener = Some(listener);
                    self.recording = Some(watch.recording);
                    self.accept();
                }
                Ok(Command::End(end, reply)) => {
                    self.retired = self.listener.take();
                    self.ending = Some(reply);
                    self.engine.end_test(end);
                }
                Ok(Command::Mark(number, marking, reply)) => {
                    self.marking.push_back(reply);
                    match marking {
                        Marking::Set => self.engine.savepoint(number),
                        Marking::Restore => self.engine.restore(number),
                    }
                }
                Ok(Command::Interrupt) => {
                    if self.ending.is_some() {
                        self.cancel();
                    }
                }
                Ok(Command::Close(last, reply)) => {
                    let answered = self.close(last.as_deref());
                    reply.send(answered).ok();
                    return Break(());
                }
                Err(mpsc::TryRecvError::Empty) => return Continue(()),
                Err(mpsc::TryRecvError::Disconnected) => return Break(()),
            }
        }
    }

    /// Does what the engine asks; says whether the connection to the server is over.
    fn heed_events(&mut self) -> bool {
        let mut is_over = false;
        while let Some(event) = self.engine.event() {
            match event {
                Event::TestEnded(proof) => {
                    is_over |= matches!(proof, Proof::Broken(_));
                    self.recording = None;
                    self.ended = Some(Ended { proof });
                }
                Event::AskedLate(test) => ended_tests::used(test),
                Event::CancelBackend => self.cancel(),
                Event::Broken(why) => {
                    log::debug(format_args!("a lane's connection is given up: {why}"));
                    is_over = true;
                }
                Event::Statement(finished) => self.record(finished),
                Event::Entanglement(finding) => {
                    if let Some(recording) = &self.recording {
                        recording.entangled(finding);
                    }
                }
                Event::Marked(result) => {
                    if let Some(reply) = self.marking.pop_front() {
                        reply.send(result).ok();
                    }
                }
            }
        }
        is_over
    }

    fn record(&self, finished: Finished) {
        let client = self
            .clients
            .iter()
            .find(|client| client.id == finished.client);
        let (Some(recording), Some(client)) = (&self.recording, client) else {
            return;
        };
        // A statement that was only prepared is worth telling if that failed.
        if finished.prepared_only && finished.error.is_none() {
            return;
        }
        let mut statement = Statement::new(finished.sql);
        statement.parameters = finished.parameters;
        statement.took = finished.took;
        statement.rows = finished.rows;
        statement.error = finished.error;
        statement.is_unanswered = !finished.is_answered;
        recording.add(client.recorded, statement);
    }

    /// Tells how the test has ended, as soon as nothing of it can reach the next one.
    fn conclude(&mut self) {
        if self.ended.is_some()
            && self.cancelling.load(Ordering::Acquire) == 0
            && let Some(reply) = self.ending.take()
            && let Some(ended) = self.ended.take()
        {
            reply.send(ended).ok();
        }
    }

    /// Has the server cancel what the backend is doing. That takes a connection of its own, so another
    /// thread does it.
    fn cancel(&self) {
        let (upstream, cancelling) = (self.upstream.clone(), Arc::clone(&self.cancelling));
        let (process_id, secret_key) = (self.backend.process_id, self.backend.secret_key);
        let waker = Arc::clone(&self.waker);
        let request = move || {
            upstream.cancel(process_id, secret_key).ok();
            cancelling.fetch_sub(1, Ordering::AcqRel);
            waker.wake();
        };
        self.cancelling.fetch_add(1, Ordering::AcqRel);
        let thread = thread::Builder::new().name("db-test-cancel".to_owned());
        if thread.spawn(request).is_err() {
            self.cancelling.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Asks one last thing, and says goodbye.
    fn close(&mut self, last: Option<&str>) -> bool {
        let stream = &self.backend.stream;
        stream.set_nonblocking(false).ok();
        stream.set_timeout(Some(CLOSE_LIMIT)).ok();
        let answered = last.is_none_or(|sql| self.backend.query(sql).is_ok());
        self.backend.close();
        answered
    }
}

fn setup(session: &Session, release_locks: String) -> Setup {
    /// Whether a test of this process has used a second connection within its own transaction.
    static NESTS: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Setup {
        parameters: session.parameters.clone(),
        base: BASE.map(owned).to_vec(),
        notify_hook: session.replaces_notify,
        moves_clock: session.moves_clock,
        release_locks,
        wait: WAIT,
        nests: Arc::clone(&NESTS),
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

#[cfg(test)]
mod tests;

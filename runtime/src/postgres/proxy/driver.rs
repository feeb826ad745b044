//! Sockets and a clock for the engine: one thread for each lane, which waits in `poll`.
//!
//! One [round](Driver::run): what has arrived goes into the engine, the engine is pumped, what it
//! sends is written, and what it reports is passed to the harness.

mod backend;
mod connection;
mod readiness;
mod serving;
mod setup;

use std::{
    collections::VecDeque,
    ops::ControlFlow::{self, Break, Continue},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rustix::event::PollFlags;
use tokio::sync::oneshot;

use self::{
    backend::Backend,
    connection::Connection,
    readiness::{READABLE, Readiness},
    serving::Serving,
    setup::setup,
};
use super::{
    api::{self, ClientId, Event, Finished, MarkRefused},
    command::{Command, Marking, Test},
    engine::Engine,
};
use crate::{
    observe::{
        log,
        recording::{self, Probe, Recording, Statement},
    },
    postgres::{
        ended_tests,
        listener::Listener,
        upstream::{BackendConnection, Upstream},
        waker::{Waiter, Waker},
    },
};

/// The most that is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// The most that may wait to be written, in bytes. Beyond it, what adds to it is not read.
const WAITING: usize = 1024 * 1024;

/// How long a client waits for another one's open transaction before it is let in.
const WAIT: Duration = Duration::from_millis(50);

/// The pause after a client that could not be accepted.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// The thread of one lane.
pub(super) struct Driver {
    engine: Engine,
    backend: Backend,
    connections: Vec<Connection>,
    serving: Serving,
    /// The listener of a test that is ending, until there is time to give it up.
    retired: Option<Listener>,
    /// No client is accepted before, because there was no descriptor left for one.
    accept_after: Option<Instant>,
    /// Who waits for a mark to be set or restored.
    marking: VecDeque<oneshot::Sender<Result<(), MarkRefused>>>,
    commands: mpsc::Receiver<Command>,
    waiter: Waiter,
    waker: Arc<Waker>,
    chunk: Vec<u8>,
}

impl Driver {
    pub(super) fn new(
        connection: BackendConnection,
        upstream: Upstream,
        release_locks: String,
        (waker, waiter): (Arc<Waker>, Waiter),
        commands: mpsc::Receiver<Command>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            engine: Engine::new(setup(&connection, &upstream, release_locks)),
            backend: Backend::new(connection, upstream)?,
            connections: Vec::new(),
            serving: Serving::Nobody,
            retired: None,
            accept_after: None,
            marking: VecDeque::new(),
            commands,
            waiter,
            waker,
            chunk: vec![0; CHUNK],
        })
    }

    /// Serves until the connection to the server ends, by either side.
    pub(super) fn run(mut self) {
        let mut ready = Readiness::none();
        loop {
            let requested = self.serving.probe().and_then(Probe::requested);
            if ready.wait(&mut self, requested.is_some()).is_err() {
                return;
            }
            if ready.backend.intersects(READABLE) {
                self.backend.receive(&mut self.engine, &mut self.chunk);
            }
            if ready.is_woken && self.run_commands().is_break() {
                return;
            }
            if ready.has_arrivals {
                self.accept();
            }
            self.receive_of_clients(&ready.connections);
            let is_cancelling = self.backend.is_being_cancelled();
            self.engine.hold_back(is_cancelling);
            self.engine.pump(Instant::now());
            self.send_to_backend();
            self.retired = None;
            self.pass_events();
            self.send_to_clients();
            self.beat(&ready, requested);
            if !self.backend.is_being_cancelled() {
                self.serving.conclude();
            }
            if self.backend.is_lost() && self.serving.is_nobody() {
                return;
            }
        }
    }

    /// Says that something has happened, and answers the probe of before this round.
    fn beat(&self, ready: &Readiness, requested: Option<u64>) {
        let Some(recording) = self.serving.recording() else {
            return;
        };
        let (pulse, is_busy) = (recording.pulse(), self.engine.is_busy());
        if ready.has_traffic() || is_busy != pulse.is_busy_itself() {
            pulse.beat(is_busy);
        }
        if let (Some(probe), Some(requested)) = (self.serving.probe(), requested) {
            probe.answer(requested);
        }
    }

    fn receive_of_clients(&mut self, ready: &[PollFlags]) {
        for (index, connection) in self.connections.iter_mut().enumerate() {
            // What was accepted a moment ago has often sent something already.
            let flags = ready.get(index).copied().unwrap_or(PollFlags::IN);
            if flags.intersects(READABLE) {
                let has_hung_up = flags.intersects(PollFlags::HUP);
                connection.receive(&mut self.engine, &mut self.chunk, has_hung_up);
            }
        }
    }

    fn accept(&mut self) {
        self.accept_after = None;
        while let Some(listener) = self.serving.listener() {
            match listener.accept() {
                Ok(arrival) => {
                    let id = self.engine.connect();
                    self.engine.client_bytes(id, &arrival.sent);
                    self.connections.push(Connection::new(id, arrival.socket));
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.accept_after = Some(Instant::now() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn send_to_backend(&mut self) {
        if !self.backend.send(&mut self.engine, &mut self.chunk) {
            self.engine.pump(Instant::now());
        }
    }

    /// Writes what clients get, and lets go of those that are done.
    fn send_to_clients(&mut self) {
        let engine = &mut self.engine;
        self.connections.retain_mut(|client| client.send(engine));
    }

    fn run_commands(&mut self) -> ControlFlow<()> {
        self.waiter.drain();
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.run_command(command)?,
                Err(mpsc::TryRecvError::Empty) => return Continue(()),
                Err(mpsc::TryRecvError::Disconnected) => return Break(()),
            }
        }
    }

    /// Does what the harness wants.
    fn run_command(&mut self, command: Command) -> ControlFlow<()> {
        match command {
            Command::Begin(Test { listener, watch }, probe) => {
                self.engine.begin_test(api::Test {
                    name: watch.recording.test(),
                    settings: Vec::new(),
                    faults: watch.faults,
                });
                self.serving.begin(listener, watch.recording, probe);
                self.accept();
            }
            Command::End(end, reply) => {
                self.retired = self.serving.end(reply);
                self.engine.end_test(end);
            }
            Command::Mark(number, marking, reply) => {
                self.marking.push_back(reply);
                match marking {
                    Marking::Set => self.engine.savepoint(number),
                    Marking::Restore => self.engine.restore(number),
                }
            }
            Command::Interrupt if self.serving.is_ending() => self.backend.cancel(&self.waker),
            Command::Interrupt => {}
            Command::Ask(sql, reply) => {
                reply.send(self.backend.ask(&sql)).ok();
            }
            Command::Close(last, reply) => {
                let answered = self.backend.close(last.as_deref());
                reply.send(answered).ok();
                return Break(());
            }
        }
        Continue(())
    }

    /// Passes on what the engine reports.
    fn pass_events(&mut self) {
        while let Some(event) = self.engine.event() {
            match event {
                Event::TestEnded(proof) => self.serving.ended(proof),
                Event::AskedLate(test) => ended_tests::used(test),
                Event::CancelBackend => self.backend.cancel(&self.waker),
                Event::Broken(why) => {
                    log::debug(format_args!("a lane's connection is dropped: {why}"));
                    self.backend.lose();
                }
                Event::Statement(finished) => self.record(finished),
                Event::OpenedElsewhere(client) => {
                    if let Some((recording, client)) = self.recorded(client) {
                        recording.opened_elsewhere(client);
                    }
                }
                Event::Entanglement(finding) => {
                    if let Some(recording) = self.serving.recording() {
                        recording.add_finding(finding);
                    }
                }
                Event::Marked(result) => {
                    if let Some(reply) = self.marking.pop_front() {
                        reply.send(result).ok();
                    }
                }
            }
        }
    }

    /// The recording of the test, and who a client is in it.
    fn recorded(&self, client: ClientId) -> Option<(&Recording, recording::ClientId)> {
        let mut connections = self.connections.iter();
        let connection = connections.find(|connection| connection.id == client)?;
        Some((self.serving.recording()?, connection.recorded))
    }

    fn record(&self, finished: Finished) {
        let Some((recording, client)) = self.recorded(finished.client) else {
            return;
        };
        // A statement that was only prepared is worth recording if that failed.
        if finished.prepared_only && finished.error.is_none() {
            return;
        }
        let mut statement = Statement::new(finished.sql);
        statement.parameters = finished.parameters;
        statement.took = finished.took;
        statement.rows = finished.rows;
        statement.error = finished.error;
        statement.is_unanswered = !finished.is_answered;
        recording.add(client, statement);
    }
}

#[cfg(test)]
mod tests;

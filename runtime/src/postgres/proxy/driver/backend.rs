//! The lane's connection to the server, and the requests to cancel what it does.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::event::PollFlags;

use super::{CHUNK, WAITING};
use crate::postgres::{
    outbox::Outbox,
    proxy::engine::Engine,
    socket::{Received, receive},
    upstream::{BackendConnection, Row, Upstream},
    waker::Waker,
};

/// How long the server may take to answer a query between two tests.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The lane's connection to the server.
pub(super) struct Backend {
    pub(super) connection: BackendConnection,
    outbox: Outbox,
    upstream: Upstream,
    /// How many requests to cancel are under way.
    cancelling: Arc<AtomicUsize>,
    /// The connection has ended, so there is nothing to wait for: `poll` would report its end again
    /// and again.
    is_lost: bool,
}

impl Backend {
    pub(super) fn new(connection: BackendConnection, upstream: Upstream) -> io::Result<Self> {
        connection.stream.set_nonblocking(true)?;
        Ok(Self {
            connection,
            outbox: Outbox::default(),
            upstream,
            cancelling: Arc::default(),
            is_lost: false,
        })
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    pub(super) fn lose(&mut self) {
        self.is_lost = true;
    }

    /// What to wait for, while so many bytes have still to be read by clients.
    pub(super) fn interest(&self, unread: usize, output: &[u8]) -> PollFlags {
        let sending =
            !output.is_empty() || !self.outbox.is_empty() || self.connection.stream.wants_write();
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::OUT, sending);
        interest.set(PollFlags::IN, unread < WAITING);
        interest
    }

    /// Hands what has come to the engine.
    pub(super) fn receive(&mut self, engine: &mut Engine, chunk: &mut [u8]) {
        let mut received = 0;
        loop {
            match receive(&mut self.connection.stream, chunk) {
                Ok(Received::Bytes(length)) => {
                    engine.backend_bytes(&chunk[..length]);
                    received += length;
                    let stream = &self.connection.stream;
                    if stream.may_hold_more(length, CHUNK, received >= WAITING) {
                        continue;
                    }
                }
                Ok(Received::Nothing) => {}
                Ok(Received::End) => self.closed(engine, "the server closed the connection"),
                Err(error) => self.closed(engine, &error.to_string()),
            }
            return;
        }
    }

    /// Writes what the engine sends; says whether the connection works.
    pub(super) fn send(&mut self, engine: &mut Engine, chunk: &mut [u8]) -> bool {
        let output = engine.backend_output();
        let Err(error) = self.outbox.send(&mut self.connection.stream, output) else {
            return true;
        };
        self.outbox.clear();
        engine.backend_output().clear();
        // A server that ends a connection says why, and that is there to be read.
        self.receive(engine, chunk);
        self.closed(engine, &error.to_string());
        false
    }

    fn closed(&mut self, engine: &mut Engine, why: &str) {
        self.is_lost = true;
        engine.backend_closed(why);
    }

    /// Has the server cancel what the backend is doing. That takes a connection of its own, so
    /// another thread does it.
    pub(super) fn cancel(&self, waker: &Arc<Waker>) {
        let (upstream, cancelling) = (self.upstream.clone(), Arc::clone(&self.cancelling));
        let (process_id, secret_key) = (self.connection.process_id, self.connection.secret_key);
        let waker = Arc::clone(waker);
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

    /// Whether a request to cancel is under way that could hit what comes next.
    pub(super) fn is_being_cancelled(&self) -> bool {
        self.cancelling.load(Ordering::Acquire) > 0
    }

    /// Runs a query while no test is served, and waits for the answer.
    pub(super) fn ask(&mut self, sql: &str) -> Result<Vec<Row>, sqlx::Error> {
        self.block()?;
        let answer = self.connection.query(sql);
        if answer
            .as_ref()
            .is_err_and(|error| error.as_database_error().is_none())
        {
            self.is_lost = true;
        }
        self.connection.stream.set_timeout(None)?;
        self.connection.stream.set_nonblocking(true)?;
        answer
    }

    fn block(&self) -> io::Result<()> {
        self.connection.stream.set_nonblocking(false)?;
        self.connection.stream.set_timeout(Some(ANSWER_LIMIT))
    }

    /// Runs one last query, and terminates the connection; says whether the query was
    /// answered.
    pub(super) fn close(&mut self, last: Option<&str>) -> bool {
        self.block().ok();
        let answered = last.is_none_or(|sql| self.connection.query(sql).is_ok());
        self.connection.close();
        answered
    }
}

//! The harness's end of a proxy.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use tokio::sync::oneshot;

use super::{
    api::{End, MarkRefused, Proof},
    command::{Command, Ended, Marking, Test},
    driver::Driver,
};
use crate::postgres::{
    upstream::{BackendConnection, Row, Upstream},
    waker::{self, Waker},
};

/// The proxy of one lane: a thread, which lives as long as the lane's connection.
#[derive(Debug)]
pub(crate) struct Proxy {
    commands: mpsc::Sender<Command>,
    waker: Arc<Waker>,
    alive: Arc<AtomicBool>,
}

impl Proxy {
    /// Starts the thread that serves tests on a connection to a server.
    pub(crate) fn start(
        connection: BackendConnection,
        upstream: Upstream,
        release_locks: &str,
    ) -> io::Result<Self> {
        let (commands, received) = mpsc::channel();
        let (waker, waiter) = waker::pair()?;
        let waker = Arc::new(waker);
        let own = Arc::clone(&waker);
        let alive = Arc::new(AtomicBool::new(true));
        let lives = Arc::clone(&alive);
        let release_locks = release_locks.to_owned();
        let running = move || {
            if let Ok(driver) =
                Driver::new(connection, upstream, release_locks, (own, waiter), received)
            {
                driver.run();
            }
            lives.store(false, Ordering::Release);
        };
        thread::Builder::new()
            .name("db-test-proxy".to_owned())
            .spawn(running)?;
        Ok(Self {
            commands,
            waker,
            alive,
        })
    }

    /// Whether the connection to the server is there, as far as is known.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Serves a test from now on. It costs the server nothing until something is asked.
    pub(crate) fn begin(&self, test: Test) {
        let waker = Arc::clone(&self.waker);
        let pulse = test.watch.recording.pulse();
        let probe = pulse.add_probe(move || waker.wake());
        self.send(Command::Begin(test, probe));
    }

    /// Ends the test: nothing more is asked, and what was done is rolled back or committed.
    ///
    /// # Cancel safety
    ///
    /// The test ends all the same.
    pub(crate) async fn end(&self, end: End) -> Ended {
        let (reply, ended) = oneshot::channel();
        self.send(Command::End(end, reply));
        ended.await.unwrap_or_else(|_| Ended {
            proof: Proof::Broken("the connection is gone".to_owned()),
        })
    }

    /// Marks the present state of the test by a number, or returns to it.
    pub(crate) fn mark(
        &self,
        number: u32,
        marking: Marking,
    ) -> oneshot::Receiver<Result<(), MarkRefused>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Mark(number, marking, reply));
        answer
    }

    /// Has the server cancel the statement that holds up the end.
    pub(crate) fn interrupt(&self) {
        self.send(Command::Interrupt);
    }

    /// Runs a query of ours, between two tests.
    pub(crate) async fn ask(&self, sql: String) -> Result<Vec<Row>, sqlx::Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Ask(sql, reply));
        answer.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }

    /// Terminates the connection, after one more query if there is one; says whether that
    /// was answered.
    pub(crate) async fn close(self, last: Option<String>) -> bool {
        let (reply, closed) = oneshot::channel();
        self.send(Command::Close(last, reply));
        closed.await.unwrap_or(false)
    }

    fn send(&self, command: Command) {
        // A thread that is gone answers nothing, which is what its callers see.
        self.commands.send(command).ok();
        self.waker.wake();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The thread sees that nobody is there any more.
        self.waker.wake();
    }
}

//! The way to a server for connections that are not in a test's transaction: bytes pass as they
//! are, and what they say is recorded.
//!
//! Drivers connect here instead of to the server, also where they lack what the server requires:
//! its password, or encryption.

mod backend;
mod framing;
mod frontend;
mod handshake;
mod injector;
mod observer;
mod passage;

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
};

use rustix::event::{PollFd, PollFlags, poll};

use self::{injector::Injector, observer::Observer, passage::Watcher};
use super::{
    listener::{Endpoint, Listener},
    proxy::{ACCEPT_PAUSE, Watch},
    upstream::Upstream,
    waker::{self, Waiter, Waker},
};
use crate::observe::recording::{Probe, Recording};

/// A listening socket that leads to a server, until it is dropped. Connections that came through it
/// live on.
pub(crate) struct Relay {
    endpoint: Endpoint,
    /// Dropped to end the thread, which is woken then.
    stop: Option<mpsc::Sender<()>>,
    waker: Arc<Waker>,
}

impl Relay {
    /// Leads to a server. Of a test, statements are recorded and may meet faults.
    pub(crate) fn open(upstream: Upstream, test: Option<Watch>) -> io::Result<Self> {
        let listener = match &test {
            Some(test) => Listener::of_test(test.recording.test())?,
            None => Listener::open()?,
        };
        let endpoint = listener.endpoint().clone();
        let (stop, stopped) = mpsc::channel::<()>();
        let (waker, waiter) = waker::pair()?;
        let waker = Arc::new(waker);
        let probe = test.as_ref().map(|test| probed(&test.recording, &waker));
        let serving = move || {
            loop {
                let requested = probe.as_ref().and_then(|probe| probe.requested());
                if requested.is_none() && !wait(&listener, &waiter, &stopped) {
                    break;
                }
                let client = match listener.accept() {
                    Ok(client) => client,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if let (Some(probe), Some(requested)) = (&probe, requested) {
                            probe.answer(requested);
                        }
                        continue;
                    }
                    Err(_) => {
                        thread::sleep(ACCEPT_PAUSE);
                        continue;
                    }
                };
                let (upstream, test) = (upstream.clone(), test.clone());
                let Ok(watcher) = test.map(Watcher::new).transpose() else {
                    continue;
                };
                let passing = move || {
                    // Who was connected sees the end of it.
                    handshake::serve(client, &upstream, watcher).ok();
                };
                start("db-test-relay", passing).ok();
            }
        };
        start("db-test-relay", serving)?;
        Ok(Self {
            endpoint,
            stop: Some(stop),
            waker,
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop = None;
        self.waker.wake();
    }
}

/// Has a thread that is woken by this find out what has arrived.
fn probed(recording: &Recording, waker: &Arc<Waker>) -> Arc<Probe> {
    let waker = Arc::clone(waker);
    recording.pulse().add_probe(move || waker.wake())
}

/// Waits for a client; says whether there may be one, and nobody wants the relay to stop.
fn wait(listener: &Listener, waiter: &Waiter, stopped: &mpsc::Receiver<()>) -> bool {
    let mut both = [
        PollFd::from_borrowed_fd(listener.descriptor(), PollFlags::IN),
        PollFd::from_borrowed_fd(waiter.descriptor(), PollFlags::IN),
    ];
    loop {
        match poll(&mut both, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
            Ok(_) => {
                waiter.drain();
                return matches!(stopped.try_recv(), Err(mpsc::TryRecvError::Empty));
            }
        }
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}

//! Putting a tap between connections that are to be made and their server.

use std::{
    io,
    os::unix::net::{UnixListener, UnixStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{Shared, Tap, deepening::Deepening, relay, side::Side};
use crate::{private_socket::PrivateSocket, recording::Recording};

/// How long a relay waits for the connection that it is for.
const ARRIVAL_LIMIT: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// The way to a server through a tap, for one connection.
pub(crate) struct Tapped {
    pub(crate) options: PgConnectOptions,
    pub(crate) tap: Tap,
    _socket: PrivateSocket,
}

/// Prepares one connection through a tap that sqlx is going to deepen at once by so many levels; `None` where a tap cannot read, because the connection
/// has to be encrypted, or where there is no private place for a socket.
pub(crate) fn tapped(options: &PgConnectOptions, levels: usize) -> Option<Tapped> {
    let (socket, listener) = listen(options)?;
    let tap = Tap::default();
    tap.conversation().deepening = Deepening::of(levels);
    let (shared, upstream) = (Arc::clone(&tap.0), options.clone());
    let relaying = move || {
        if let Ok(Some(client)) = arrival(&listener) {
            relay(client, &upstream, &shared);
        }
        shared.ended.send_replace(true);
    };
    start(relaying).ok()?;
    tap.conversation().is_relayed = true;
    Some(Tapped {
        options: through(&socket, options),
        tap,
        _socket: socket,
    })
}

/// The way to a server through taps, for as many connections as one test opens.
pub(crate) struct TappedDoor {
    pub(crate) options: PgConnectOptions,
    socket: PrivateSocket,
    closing: Arc<AtomicBool>,
}

/// Opens a door for the connections of one test; `None` as for [`tapped`].
pub(crate) fn door(options: &PgConnectOptions, recording: &Arc<Recording>) -> Option<TappedDoor> {
    let (socket, listener) = listen(options)?;
    let closing = Arc::new(AtomicBool::new(false));
    let (upstream, recording, closed) =
        (options.clone(), Arc::clone(recording), Arc::clone(&closing));
    let serving = move || {
        for client in listener.incoming().flatten() {
            if closed.load(Ordering::Acquire) {
                break;
            }
            let tap = Tap::default();
            tap.conversation().is_relayed = true;
            tap.record(&recording);
            let upstream = upstream.clone();
            start(move || relay(client, &upstream, &tap.0)).ok();
        }
    };
    start(serving).ok()?;
    Some(TappedDoor {
        options: through(&socket, options),
        socket,
        closing,
    })
}

impl Drop for TappedDoor {
    /// Knocks at the door, so that whoever waits behind it sees that it is closed. Connections
    /// that came through it live on.
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        UnixStream::connect(self.socket.path()).ok();
    }
}

fn listen(options: &PgConnectOptions) -> Option<(PrivateSocket, UnixListener)> {
    use PgSslMode::{Allow, Disable, Prefer};
    if !matches!(options.get_ssl_mode(), Allow | Disable | Prefer) {
        return None;
    }
    PrivateSocket::listen(options.get_port()).ok()
}

fn through(socket: &PrivateSocket, options: &PgConnectOptions) -> PgConnectOptions {
    let options = options.clone().socket(socket.directory());
    options.ssl_mode(PgSslMode::Disable)
}

fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name("db-test-tap".to_owned());
    thread.spawn(work).map(drop)
}

/// Waits for the one connection that a tap is for.
fn arrival(listener: &UnixListener) -> io::Result<Option<UnixStream>> {
    let mut waiting = [PollFd::new(listener, PollFlags::IN)];
    if poll(&mut waiting, Some(&ARRIVAL_LIMIT))? == 0 {
        return Ok(None);
    }
    listener.accept().map(|(client, _)| Some(client))
}

/// Relays a connection to its end. What goes wrong, both sides see: they are closed.
fn relay(client: UnixStream, options: &PgConnectOptions, shared: &Shared) {
    let sides = Side::client(client).and_then(|client| Ok((client, Side::server(options)?)));
    if let Ok((client, server)) = sides {
        relay::run(client, server, shared).ok();
    }
}

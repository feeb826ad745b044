//! Putting a tap between a connection that is to be made and its server.

use std::{io, os::unix::net::UnixListener, sync::Arc, thread};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{Shared, Tap, relay, side::Side, socket::PrivateSocket};

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

/// Prepares one connection through a tap; `None` where a tap cannot read, because the connection
/// has to be encrypted, or where there is no private place for a socket.
pub(crate) fn tapped(options: &PgConnectOptions) -> Option<Tapped> {
    use PgSslMode::{Allow, Disable, Prefer};
    if !matches!(options.get_ssl_mode(), Allow | Disable | Prefer) {
        return None;
    }
    let (socket, listener) = PrivateSocket::listen(options.get_port()).ok()?;
    let tap = Tap::default();
    let (shared, upstream) = (Arc::clone(&tap.0), options.clone());
    let relaying = move || {
        serve(&listener, &upstream, &shared).ok();
        shared.ended.notify_one();
    };
    let thread = thread::Builder::new().name("db-test-tap".to_owned());
    thread.spawn(relaying).ok()?;
    tap.conversation().is_relayed = true;
    let options = options
        .clone()
        .socket(socket.directory())
        .ssl_mode(PgSslMode::Disable);
    Some(Tapped {
        options,
        tap,
        _socket: socket,
    })
}

/// Waits for the one connection that is to be relayed, and relays it.
fn serve(listener: &UnixListener, options: &PgConnectOptions, shared: &Shared) -> io::Result<()> {
    let mut waiting = [PollFd::new(listener, PollFlags::IN)];
    if poll(&mut waiting, Some(&ARRIVAL_LIMIT))? == 0 {
        return Ok(());
    }
    let (client, _) = listener.accept()?;
    relay::run(Side::client(client)?, Side::server(options)?, shared)
}

//! The greeter: an in-process listener that completes a PostgreSQL handshake and nothing else.
//!
//! It listens on a Unix socket, which connects at once, or else on the loopback interface.
//!
//! What comes out of the handshake on the pool's side is a placeholder that the lane's connection
//! replaces. The handshake is also where the sandbox is opened, so that whatever goes wrong then
//! reaches the application as an ordinary error of its database. It speaks only of things that
//! the loopback interface may hear: the sandbox is named by an unguessable token.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    io,
    net::Ipv4Addr,
    pin::pin,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::FutureExt;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

use super::Core;
use crate::executor;
#[cfg(unix)]
use crate::{announce::announce, private_socket::PrivateSocket};

/// How long a peer may take to introduce itself.
const INTRODUCTION_LIMIT: Duration = Duration::from_secs(5);

/// How often a placeholder can be released before the pool must replace it: its pool sends it a
/// ping (`Sync`) each time.
pub(super) const CREDIT: u32 = 64;

/// In the name of the socket.
#[cfg(unix)]
const PORT: u16 = 5432;

/// The pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// No startup message of sqlx comes near this many bytes.
const STARTUP_LIMIT: usize = 4096;

const ENDED: &str = "db-test: the test that this pool belongs to has ended; \
     let the test await the task, or poll for its effect";

struct Greeter {
    /// The way to the greeter. Making it asks the system for the user's name, so it is made once.
    options: PgConnectOptions,
    guests: Mutex<HashMap<String, Weak<Core>>>,
    #[cfg(unix)]
    socket: Mutex<Option<PrivateSocket>>,
}

/// One end of a connection with a pool.
pub(super) trait Peer: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Peer for T {}

static GREETER: OnceLock<Greeter> = OnceLock::new();

/// The connection options that lead to a sandbox.
pub(super) fn invite(core: &Arc<Core>) -> PgConnectOptions {
    let greeter = greeter();
    let token = format!(
        "{:016x}{:016x}",
        RandomState::new().hash_one(0),
        RandomState::new().hash_one(1)
    );
    let mut guests = greeter
        .guests
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    guests.retain(|_, guest| guest.strong_count() > 0);
    guests.insert(token.clone(), Arc::downgrade(core));
    greeter.options.clone().database(&token)
}

fn greeter() -> &'static Greeter {
    GREETER.get_or_init(|| {
        let _runtime = executor::enter();
        #[cfg(unix)]
        match on_a_socket() {
            Ok(greeter) => return greeter,
            Err(problem) => announce(format_args!(
                "no place is safe for a socket, so the loopback interface is used, and no statements are recorded\n{problem}"
            )),
        }
        on_the_loopback_interface()
            .expect("db-test: no port could be opened on the loopback interface")
    })
}

/// Removes the greeter's socket from the file system, at the end of the process.
#[cfg(unix)]
pub(crate) fn remove_socket() {
    if let Some(greeter) = GREETER.get() {
        let mut socket = greeter
            .socket
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *socket = None;
    }
}

#[cfg(unix)]
fn on_a_socket() -> io::Result<Greeter> {
    let (socket, listener) = PrivateSocket::listen(PORT)?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    executor::spawn(serve(async move || {
        let (stream, _) = listener.accept().await?;
        Ok(stream)
    }));
    let options = options().socket(socket.directory()).port(PORT);
    let socket = Mutex::new(Some(socket));
    let guests = Mutex::default();
    Ok(Greeter {
        options,
        guests,
        socket,
    })
}

fn on_the_loopback_interface() -> io::Result<Greeter> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let port = listener.local_addr()?.port();
    executor::spawn(serve(async move || {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }));
    Ok(Greeter {
        options: options().host("127.0.0.1").port(port),
        guests: Mutex::default(),
        #[cfg(unix)]
        socket: Mutex::default(),
    })
}

fn options() -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .username("db-test")
        .ssl_mode(PgSslMode::Disable)
}

async fn serve<P: Peer>(accept: impl AsyncFn() -> io::Result<P>) {
    loop {
        match accept().await {
            Ok(peer) => drop(tokio::spawn(greet(peer))),
            // Such as too many open files, which passes.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Answers one connection. Its socket stays open for as long as the sandbox lives, and nothing that
/// the placeholder says is read: the answers to its pings have been sent in advance.
async fn greet(mut stream: impl Peer) {
    let Ok(Some(token)) = tokio::time::timeout(INTRODUCTION_LIMIT, introduction(&mut stream)).await
    else {
        return;
    };
    let core = match guest(&token) {
        Ok(core) => core,
        Err(message) => return refuse(stream, &message).await,
    };
    // The server works on the query while the handshake goes on; `after_connect` waits for it.
    let mut opening = pin!(core.open());
    let opened = (&mut opening).now_or_never();
    if let Some(Err(error)) = opened {
        return refuse(stream, &format!("db-test: {error}")).await;
    }
    if opened.is_some() && !core.has_parked() {
        return refuse(stream, &core.why_nothing_is_parked()).await;
    }
    if stream.write_all(&welcome()).await.is_ok() {
        core.keep_open(Box::new(stream));
    }
    if opened.is_none() {
        // Its failure is remembered, and told by the next handshake.
        opening.await.ok();
    }
}

async fn refuse(mut stream: impl Peer, message: &str) {
    stream.write_all(&refusal(message)).await.ok();
    stream.shutdown().await.ok();
}

/// The sandbox that a token stands for.
fn guest(token: &str) -> Result<Arc<Core>, String> {
    let guests = GREETER.get().map(|greeter| {
        greeter
            .guests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    });
    let core = guests.and_then(|guests| guests.get(token).and_then(Weak::upgrade));
    core.filter(|core| !core.ended.load(Ordering::Acquire))
        .ok_or_else(|| ENDED.to_owned())
}

impl Core {
    fn why_nothing_is_parked(&self) -> String {
        self.trouble().broken.as_ref().map_or_else(
            || {
                "db-test: a test has one connection, and it was closed or taken out of the pool; \
                 code that needs several connections needs a database of its own"
                    .to_owned()
            },
            |why| {
                format!(
                    "db-test: a test has one connection, and it broke: {why}; in production the pool \
                     replaces it, here what the test has written is gone with it"
                )
            },
        )
    }
}

/// Reads the startup message and finds the database's name in it.
async fn introduction(stream: &mut impl Peer) -> Option<String> {
    let length = usize::try_from(stream.read_u32().await.ok()?)
        .ok()?
        .checked_sub(4)?;
    if length > STARTUP_LIMIT {
        return None;
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.ok()?;
    // Four bytes of protocol version, then pairs of strings that end with a zero.
    let mut strings = message.get(4..)?.split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        if name == b"database" {
            return String::from_utf8(value.to_vec()).ok();
        }
    }
    None
}

/// `AuthenticationOk`, then `ReadyForQuery` outside of a transaction, for the handshake and for
/// each ping of a released placeholder.
fn welcome() -> Vec<u8> {
    let ready = b"Z\0\0\0\x05I".repeat(CREDIT as usize + 1);
    [b"R\0\0\0\x08\0\0\0\0".as_slice(), &ready].concat()
}

/// `ErrorResponse` with the code that says that the server rejected the connection.
fn refusal(message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C08004\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
    [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_refusal_has_the_length_it_claims() {
        let message = refusal("no");
        let claimed = u32::from_be_bytes(message[1..5].try_into().expect("four bytes"));
        assert_eq!(
            message.len(),
            1 + usize::try_from(claimed).expect("it is small")
        );
    }
}

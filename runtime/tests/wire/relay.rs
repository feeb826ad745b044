//! A relay between clients and a server, for whoever wants to know what they say.

use std::{
    env, fs,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use sqlx::{ConnectOptions, postgres::PgConnectOptions};

use crate::{
    line::Line,
    messages::{Messages, Requests},
    recording::Recording,
};

/// A part of the socket's name.
const PORT: u16 = 5432;

/// A relay that listens on a Unix socket: on a TCP one, of which sqlx does not turn off Nagle's
/// algorithm, the system would keep back what a client says before it has been answered.
pub(crate) struct Relay {
    directory: PathBuf,
    server: PgConnectOptions,
    lines: Arc<Mutex<Vec<Arc<Line>>>>,
}

impl Relay {
    /// Starts a relay to the server that these options lead to. It keeps each answer back for a
    /// while, to see whether the client goes on without it.
    pub(crate) fn start(server: PgConnectOptions, patience: Duration) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = env::temp_dir().join(format!("dbt-wire-{}-{number}", process::id()));
        fs::create_dir(&directory).expect("a directory can be made");
        let listener = UnixListener::bind(directory.join(format!(".s.PGSQL.{PORT}")));
        let listener = listener.expect("a socket can be made");
        let lines = Arc::<Mutex<Vec<_>>>::default();
        let (to, opened) = (server.clone(), Arc::clone(&lines));
        thread::spawn(move || {
            for client in listener.incoming() {
                let line = Arc::new(Line::new(patience));
                let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
                opened.push(Arc::clone(&line));
                connect(client.expect("a connection"), &to, &line).expect("the server is there");
            }
        });
        Self {
            directory,
            server,
            lines,
        }
    }

    /// The URL that leads through the relay.
    pub(crate) fn url(&self) -> String {
        let named = ["TEST_DB_URL", "DATABASE_URL"].map(|name| env::var(name).unwrap_or_default());
        let named = named.into_iter().find(|url| !url.is_empty());
        // It may hold a password, which the other options do not give away.
        let named = named.and_then(|url| url.parse::<PgConnectOptions>().ok());
        let options = named.unwrap_or_else(|| {
            PgConnectOptions::new_without_pgpass()
                .username(self.server.get_username())
                .database("postgres")
        });
        let options = options.socket(&self.directory).port(PORT);
        options.to_url_lossy().to_string()
    }

    /// What was sent. The clients are gone.
    pub(crate) fn stop(self) -> Recording {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let trips = |line: &Arc<Line>| line.trips();
        Recording {
            connections: lines.iter().map(trips).collect(),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).ok();
    }
}

fn connect(client: UnixStream, server: &PgConnectOptions, line: &Arc<Line>) -> io::Result<()> {
    if let Some(directory) = server.get_socket() {
        let path = directory.join(format!(".s.PGSQL.{}", server.get_port()));
        let server = UnixStream::connect(path)?;
        let (from_server, end) = (server.try_clone()?, server.try_clone()?);
        carry(client, from_server, server, line, move || {
            end.shutdown(Shutdown::Write).ok();
        })
    } else {
        let server = TcpStream::connect((server.get_host(), server.get_port()))?;
        server.set_nodelay(true)?;
        let (from_server, end) = (server.try_clone()?, server.try_clone()?);
        carry(client, from_server, server, line, move || {
            end.shutdown(Shutdown::Write).ok();
        })
    }
}

/// Carries both directions, each in a thread of its own.
fn carry(
    client: UnixStream,
    mut from_server: impl Read + Send + 'static,
    mut to_server: impl Write + Send + 'static,
    line: &Arc<Line>,
    hang_up: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = (client.try_clone()?, client);
    let (asking, answering) = (Arc::clone(line), Arc::clone(line));
    thread::spawn(move || {
        let (mut messages, mut requests) = (Messages::of_a_client(), Requests::default());
        pass_on(&mut from_client, &mut to_server, |bytes| {
            let messages = messages.feed(bytes);
            asking.hear(messages.iter().filter_map(|message| requests.feed(message)));
        });
        hang_up();
    });
    thread::spawn(move || {
        let mut messages = Messages::of_a_server();
        pass_on(&mut from_server, &mut to_client, |bytes| {
            let ready = messages.feed(bytes);
            answering.keep_back(ready.iter().filter(|message| message.kind == b'Z').count());
        });
        to_client.shutdown(Shutdown::Both).ok();
    });
    Ok(())
}

/// Passes on what comes, after it was looked at, until either side ends.
fn pass_on(from: &mut impl Read, to: &mut impl Write, mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        look(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
}

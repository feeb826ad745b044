//! A server of the test's own, and plain connections to it.

use std::{
    io::{Read, Write},
    os::unix::{fs::chown, net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::driver::{Frame, startup};
use crate::postgres::{proxy::protocol::Inbox, server::local::programs};

pub(super) struct Server {
    process: Child,
    directory: PathBuf,
}

/// PostgreSQL refuses to run as root; `nobody` may.
const NOBODY: u32 = 65534;

impl Server {
    /// Starts a server with the programs that the product would take.
    pub(super) fn start(name: &str) -> Self {
        let programs = programs();
        let base = if Path::new("/dev/shm").is_dir() {
            PathBuf::from("/dev/shm")
        } else {
            std::env::temp_dir()
        };
        let directory = base.join(format!("db-test-engine-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a server");
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            chown(&directory, Some(NOBODY), Some(NOBODY)).expect("a server");
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command
                .current_dir(&directory)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            if is_root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        let data = directory.join("data");
        let made = command("initdb")
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-N",
                "-E",
                "UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(&data)
            .status()
            .expect("initdb");
        assert!(made.success(), "initdb");
        let process = command("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&directory)
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "timezone=UTC",
            ])
            .spawn()
            .expect("a server");
        let server = Self { process, directory };
        let began = Instant::now();
        while UnixStream::connect(server.socket()).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "the server does not start"
            );
            std::thread::yield_now();
        }
        server
    }

    fn socket(&self) -> PathBuf {
        self.directory.join(".s.PGSQL.5432")
    }

    pub(super) fn connect(&self, database: &str) -> Plain {
        let began = Instant::now();
        loop {
            let mut stream = UnixStream::connect(self.socket()).expect("a connection");
            stream
                .write_all(&startup(database))
                .expect("a startup message");
            let mut plain = Plain {
                stream,
                inbox: Inbox::default(),
                parameters: Vec::new(),
            };
            // While the server starts, it answers with an error.
            let frames = plain.until_ready();
            plain.parameters = frames
                .iter()
                .filter(|frame| frame.kind == b'S')
                .filter_map(parameter)
                .collect();
            if frames.iter().any(|frame| frame.kind == b'Z') {
                return plain;
            }
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "the server does not start"
            );
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that is killed leaves its shared memory behind.
        let process = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(process, rustix::process::Signal::QUIT).ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

/// A connection to a server, without anything in between.
pub(super) struct Plain {
    pub(super) stream: UnixStream,
    inbox: Inbox,
    /// What the server has said of itself.
    pub(super) parameters: Vec<(String, String)>,
}

fn parameter(frame: &Frame) -> Option<(String, String)> {
    let mut body = crate::postgres::proxy::protocol::Body(&frame.body);
    Some((body.text()?.to_owned(), body.text()?.to_owned()))
}

impl Plain {
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("sent");
    }

    /// What the server says until it is ready, or wants rows, or closes the connection.
    pub(super) fn until_ready(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut chunk = [0; 16 * 1024];
        loop {
            while let Some((kind, body)) = self.inbox.front() {
                frames.push(Frame {
                    kind,
                    body: body.to_vec(),
                });
                self.inbox.pop();
                if matches!(kind, b'Z' | b'G') {
                    return frames;
                }
            }
            let Ok(length) = self.stream.read(&mut chunk) else {
                return frames;
            };
            if length == 0 {
                return frames;
            }
            self.inbox.push(&chunk[..length]);
            self.inbox.cut(true).expect("whole messages");
        }
    }

    pub(super) fn run(&mut self, sql: &str) {
        let mut message = Vec::new();
        crate::postgres::proxy::protocol::query(&mut message, sql);
        self.send(&message);
        for frame in self.until_ready() {
            assert_ne!(
                frame.kind,
                b'E',
                "{sql}: {}",
                String::from_utf8_lossy(&frame.body)
            );
        }
    }
}

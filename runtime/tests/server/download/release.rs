//! A server with one file, an archive of PostgreSQL's programs.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Archive,
    /// The beginning of it, and then nothing, on a connection that stays.
    NeverEnding,
    /// The beginning of it, on a connection that ends.
    Half,
    NotFound,
}

/// Ends when dropped.
pub(crate) struct Release {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    has_ended: Arc<AtomicBool>,
}

impl Release {
    pub(crate) fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let release = Self {
            address: listener.local_addr().expect("it is bound"),
            requests: Arc::default(),
            has_ended: Arc::default(),
        };
        let (requests, has_ended) = (release.requests.clone(), release.has_ended.clone());
        thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming().flatten() {
                if has_ended.load(Ordering::Acquire) {
                    break;
                }
                // Who hangs up in the middle is a case of some tests.
                if let Some(stream) = serve(stream, answer, &requests) {
                    open.push(stream);
                }
            }
        });
        release
    }

    /// Of the file, with its digest.
    pub(crate) fn url(&self) -> String {
        let mut digest = String::new();
        for byte in Sha256::digest(archive()) {
            write!(digest, "{byte:02x}").expect("a string takes everything");
        }
        format!("{}#sha256={digest}", self.shown_url())
    }

    pub(crate) fn shown_url(&self) -> String {
        format!("http://{}/postgresql.tar.gz", self.address)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Acquire)
    }

    /// Ends it; gives the URL at which nobody is any more.
    pub(crate) fn end(self) -> String {
        self.url()
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Release);
        // Wakes the thread, which closes the listener; a thread that is gone already needs no
        // waking.
        let _ = TcpStream::connect(self.address);
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
    }
}

/// Answers one request; gives the connection back if it is to stay open.
fn serve(stream: TcpStream, answer: Answer, requests: &AtomicUsize) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    requests.fetch_add(1, Ordering::AcqRel);
    let mut stream = reader.into_inner();
    let (status, length, body) = match answer {
        Answer::Archive => ("200 OK", archive().len(), archive()),
        Answer::NeverEnding | Answer::Half => {
            ("200 OK", archive().len(), &archive()[..archive().len() / 2])
        }
        Answer::NotFound => ("404 Not Found", 0, &[][..]),
    };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    matches!(answer, Answer::NeverEnding).then_some(stream)
}

/// An archive whose programs run those of this machine, in the form of a release.
fn archive() -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for name in ["postgres", "initdb", "pg_ctl"] {
            let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", installed(name).display());
            let mut header = tar::Header::new_gnu();
            header.set_size(script.len() as u64);
            header.set_mode(0o755);
            let path = format!("postgresql-99.0.0-here/bin/{name}");
            tar.append_data(&mut header, path, script.as_bytes())
                .expect("memory takes it");
        }
        let gzip = tar.into_inner().expect("memory takes it");
        gzip.finish().expect("memory takes it")
    })
}

/// A program of the newest PostgreSQL of this machine, or of the one that `PG_BIN` names.
fn installed(name: &str) -> PathBuf {
    if let Some(dir) = env::var_os("PG_BIN") {
        return PathBuf::from(dir).join(name);
    }
    let layouts = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
    let versions = layouts.iter().flat_map(fs::read_dir).flatten().flatten();
    let mut found: Vec<_> = versions
        .map(|version| version.path().join("bin").join(name))
        .filter(|program| program.is_file())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL is installed")
}

//! Drives an engine on a real backend, one step at a time.

use std::{
    io::{ErrorKind, Read, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use super::server::Plain;
use crate::postgres::proxy::{
    api::{ClientId, End, Event, How, Proof, Setup, Test},
    engine::Engine,
    protocol::{Inbox, columns, error_field, message, query},
};

/// One message of a server.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

/// What a client asks at once.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Simple(String),
    /// Each with Parse, Bind, Describe and Execute; then one Sync.
    Extended(Vec<String>),
    /// Rows for a COPY, and its end.
    Rows(&'static str),
}

impl Ask {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Simple(sql) => query(&mut out, sql),
            Self::Extended(all) => {
                for sql in all {
                    message(&mut out, b'P', |out| {
                        out.push(0);
                        out.extend_from_slice(sql.as_bytes());
                        out.extend_from_slice(&[0, 0, 0]);
                    });
                    message(&mut out, b'B', |out| out.extend_from_slice(&[0; 8]));
                    message(&mut out, b'D', |out| out.extend_from_slice(b"P\0"));
                    message(&mut out, b'E', |out| out.extend_from_slice(&[0; 5]));
                }
                message(&mut out, b'S', |_| {});
            }
            Self::Rows(rows) => {
                message(&mut out, b'd', |out| out.extend_from_slice(rows.as_bytes()));
                message(&mut out, b'c', |_| {});
            }
        }
        out
    }
}

pub(super) fn startup(database: &str) -> Vec<u8> {
    let mut body = (3_u32 << 16).to_be_bytes().to_vec();
    for text in [
        "user", "postgres", "database", database, "TimeZone", "UTC", "",
    ] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    let mut whole = u32::try_from(body.len() + 4)
        .expect("short")
        .to_be_bytes()
        .to_vec();
    whole.extend_from_slice(&body);
    whole
}

/// What an application can tell apart in an answer.
pub(super) fn shown(frames: &[Frame]) -> Vec<String> {
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .trim_end_matches('\0')
            .to_owned()
    };
    let field = |body: &[u8], kind| error_field(body, kind).unwrap_or_default().to_owned();
    frames
        .iter()
        .filter(|frame| frame.kind != b'S')
        .map(|frame| match frame.kind {
            b'C' => format!("C {}", text(&frame.body)),
            b'Z' => format!("Z {}", text(&frame.body)),
            b'E' => format!(
                "E {} {}",
                field(&frame.body, b'C'),
                field(&frame.body, b'M')
            ),
            b'N' => format!(
                "N {} {}",
                field(&frame.body, b'C'),
                field(&frame.body, b'M')
            ),
            b'D' => format!("D {:?}", columns(&frame.body)),
            b'A' => format!("A {}", text(&frame.body[4..])),
            kind => char::from(kind).to_string(),
        })
        .collect()
}

pub(super) struct Sandbox {
    pub(super) engine: Engine,
    backend: Plain,
    pub(super) events: Vec<Event>,
}

impl Sandbox {
    pub(super) fn on(backend: Plain) -> Self {
        backend.stream.set_nonblocking(true).expect("not blocking");
        let setup = Setup {
            parameters: backend.parameters.clone(),
            wait: Duration::from_millis(5),
            base: vec![("timezone".to_owned(), "UTC".to_owned())],
            ..Setup::default()
        };
        Self {
            engine: Engine::new(setup),
            backend,
            events: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.engine.begin_test(Test {
            name: "it::a_test",
            settings: Vec::new(),
            faults: Arc::new(()),
        });
    }

    pub(super) fn end(&mut self) -> Proof {
        let (how, script) = (How::RollBack, String::new());
        self.engine.end_test(End { how, script });
        let began = Instant::now();
        loop {
            self.turn();
            let ended = self
                .events
                .iter()
                .position(|event| matches!(event, Event::TestEnded(_)));
            if let Some(at) = ended
                && let Event::TestEnded(proof) = self.events.remove(at)
            {
                return proof;
            }
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "the test does not end"
            );
        }
    }

    pub(super) fn connect(&mut self) -> ClientId {
        let id = self.engine.connect();
        self.engine.client_bytes(id, &startup("x"));
        self.until_ready(id);
        id
    }

    pub(super) fn send(&mut self, id: ClientId, bytes: &[u8]) {
        self.engine.client_bytes(id, bytes);
    }

    pub(super) fn until_ready(&mut self, id: ClientId) -> Vec<Frame> {
        let (mut inbox, mut frames, began) = (Inbox::default(), Vec::new(), Instant::now());
        loop {
            self.turn();
            let out = self.engine.client_output(id);
            inbox.push(out);
            out.clear();
            inbox.cut(true).expect("whole messages");
            while let Some((kind, body)) = inbox.front() {
                frames.push(Frame {
                    kind,
                    body: body.to_vec(),
                });
                inbox.pop();
                if matches!(kind, b'Z' | b'G') && !inbox.has_message() {
                    return frames;
                }
            }
            if self.engine.is_gone(id) || began.elapsed() > Duration::from_secs(2) {
                let body = b"it is stuck".to_vec();
                frames.push(Frame { kind: b'!', body });
                return frames;
            }
        }
    }

    /// Lets the engine do what it can.
    pub(super) fn turn(&mut self) {
        self.engine.pump(Instant::now());
        let out = self.engine.backend_output();
        if !out.is_empty() {
            match self.backend.stream.write(out) {
                Ok(length) => drop(out.drain(..length)),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        let mut chunk = [0; 16 * 1024];
        match self.backend.stream.read(&mut chunk) {
            Ok(0) => self.engine.backend_closed("the end"),
            Ok(length) => self.engine.backend_bytes(&chunk[..length]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        while let Some(event) = self.engine.event() {
            self.events.push(event);
        }
    }
}

//! An engine with a backend that says what a test says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::driver::{Ask, Frame, shown, startup};
use crate::postgres::proxy::{
    api::{ClientId, End, Event, Faults, FindingKind, How, Proof, Setup, Test},
    engine::Engine,
    protocol::{Body, Inbox, command_complete, message, ready},
};

/// An engine whose backend answers each message as the test's function says, or else with a plain
/// yes.
pub(super) struct Stage {
    pub(super) engine: Engine,
    pub(super) asked: Inbox,
    pub(super) now: Instant,
    /// What was sent to the backend, in short.
    pub(super) log: Vec<String>,
    pub(super) events: Vec<Event>,
    pub(super) answer: fn(u8, &str) -> Option<Vec<u8>>,
}

pub(super) fn stage() -> Stage {
    stage_with(Arc::new(()), |_, _| None)
}

pub(super) fn stage_with(
    faults: Arc<dyn Faults>,
    answer: fn(u8, &str) -> Option<Vec<u8>>,
) -> Stage {
    let mut engine = Engine::new(Setup {
        parameters: vec![("TimeZone".to_owned(), "UTC".to_owned())],
        wait: Duration::from_millis(50),
        notify_hook: true,
        ..Setup::default()
    });
    let settings = Vec::new();
    engine.begin_test(Test {
        name: "it::a_test",
        settings,
        faults,
    });
    Stage {
        engine,
        asked: Inbox::default(),
        now: Instant::now(),
        log: Vec::new(),
        events: Vec::new(),
        answer,
    }
}

fn yes(kind: u8, sql: &str) -> Vec<u8> {
    let mut out = Vec::new();
    match kind {
        b'Q' => {
            if sql.contains("pg_constraint") {
                // Nothing can be deferred: a null, and no constraint.
                let row = [0, 2, 255, 255, 255, 255, 0, 0, 0, 1, b'0'];
                message(&mut out, b'D', |out| out.extend_from_slice(&row));
            }
            command_complete(
                &mut out,
                if sql.starts_with("insert") {
                    "INSERT 0 1"
                } else {
                    "SELECT 1"
                },
            );
            let ends = sql.contains(";rollback;") || sql.ends_with(";commit");
            ready(&mut out, if ends { b'I' } else { b'T' });
        }
        b'P' => message(&mut out, b'1', |_| {}),
        b'B' => message(&mut out, b'2', |_| {}),
        b'D' => message(&mut out, b'n', |_| {}),
        b'E' => command_complete(&mut out, "INSERT 0 1"),
        b'S' => ready(&mut out, b'T'),
        _ => {}
    }
    out
}

impl Stage {
    pub(super) fn connect(&mut self) -> ClientId {
        let id = self.engine.connect();
        self.engine.client_bytes(id, &startup("x"));
        self.received(id);
        id
    }

    pub(super) fn ask(&mut self, id: ClientId, sql: &str) -> Vec<String> {
        self.send(id, sql);
        self.received(id)
    }

    pub(super) fn send(&mut self, id: ClientId, sql: &str) {
        self.engine
            .client_bytes(id, &Ask::Simple(sql.to_owned()).bytes());
    }

    pub(super) fn settle(&mut self) {
        loop {
            self.engine.pump(self.now);
            while let Some(event) = self.engine.event() {
                self.events.push(event);
            }
            let asked = std::mem::take(self.engine.backend_output());
            if asked.is_empty() {
                return;
            }
            self.asked.push(&asked);
            self.asked.cut(false).expect("whole messages");
            while let Some((kind, body)) = self.asked.front() {
                let text = Body(body).text().unwrap_or_default().to_owned();
                let answer = (self.answer)(kind, &text).unwrap_or_else(|| yes(kind, &text));
                self.log.push(format!("{} {text}", char::from(kind)));
                self.asked.pop();
                self.engine.backend_bytes(&answer);
            }
        }
    }

    pub(super) fn received(&mut self, id: ClientId) -> Vec<String> {
        self.settle();
        let mut inbox = Inbox::default();
        inbox.push(self.engine.client_output(id));
        self.engine.client_output(id).clear();
        inbox.cut(true).expect("whole messages");
        let mut frames = Vec::new();
        while let Some((kind, body)) = inbox.front() {
            frames.push(Frame {
                kind,
                body: body.to_vec(),
            });
            inbox.pop();
        }
        shown(&frames)
    }

    pub(super) fn end(&mut self, how: How) -> Vec<String> {
        self.log.clear();
        let script = String::new();
        self.engine.end_test(End { how, script });
        self.settle();
        self.log.clone()
    }

    pub(super) fn findings(&self) -> Vec<FindingKind> {
        let kind = |event: &Event| match event {
            Event::Entanglement(finding) => Some(finding.kind),
            _ => None,
        };
        self.events.iter().filter_map(kind).collect()
    }

    pub(super) fn proof(&self) -> Option<&Proof> {
        self.events.iter().find_map(|event| match event {
            Event::TestEnded(proof) => Some(proof),
            _ => None,
        })
    }
}

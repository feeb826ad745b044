//! Whatever comes, in whatever pieces: the engine does not panic, stands still when it should, and
//! says the same.

use std::{sync::Arc, time::Instant};

use proptest::prelude::*;

use super::driver::{Ask, startup};
use crate::postgres::proxy::{
    api::{End, Event, How, Setup, Test},
    engine::Engine,
    protocol::{Inbox, command_complete, message, ready},
};

fn engine() -> Engine {
    let mut engine = Engine::new(Setup::default());
    let (settings, faults) = (Vec::new(), Arc::new(()));
    engine.begin_test(Test {
        name: "it::a_test",
        settings,
        faults,
    });
    engine
}

/// A backend that says yes to everything.
#[derive(Default)]
struct Yes(Inbox);

impl Yes {
    fn answer(&mut self, asked: &[u8]) -> Vec<u8> {
        self.0.push(asked);
        self.0.cut(false).expect("the engine writes messages");
        let mut out = Vec::new();
        while let Some((kind, body)) = self.0.front() {
            match kind {
                b'Q' => {
                    let closes = body.starts_with(b"rollback to savepoint db_test_base");
                    command_complete(&mut out, "SELECT 0");
                    ready(&mut out, if closes { b'I' } else { b'T' });
                }
                b'P' => message(&mut out, b'1', |_| {}),
                b'B' => message(&mut out, b'2', |_| {}),
                b'C' => message(&mut out, b'3', |_| {}),
                b'D' if body.starts_with(b"S") => {
                    message(&mut out, b't', |out| out.extend_from_slice(&[0, 0]));
                    message(&mut out, b'n', |_| {});
                }
                b'D' => message(&mut out, b'n', |_| {}),
                b'E' => command_complete(&mut out, "SELECT 0"),
                b'S' => ready(&mut out, b'T'),
                b'F' => {
                    message(&mut out, b'V', |out| out.extend_from_slice(&[0xff; 4]));
                    ready(&mut out, b'T');
                }
                _ => {}
            }
            self.0.pop();
        }
        out
    }
}

/// Lets everything happen that can.
fn settle(engine: &mut Engine, backend: &mut Yes, now: Instant) {
    for _ in 0..10_000 {
        engine.pump(now);
        let asked = std::mem::take(engine.backend_output());
        if asked.is_empty() {
            return;
        }
        engine.backend_bytes(&backend.answer(&asked));
    }
    panic!("it never stands still");
}

/// What a client receives that sends these bytes in pieces of this length.
fn received(bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut engine, mut backend, now) = (engine(), Yes::default(), Instant::now());
    let id = engine.connect();
    for part in bytes.chunks(piece.max(1)) {
        engine.client_bytes(id, part);
        settle(&mut engine, &mut backend, now);
    }
    engine.client_output(id).clone()
}

fn asks() -> impl Strategy<Value = Ask> {
    let sql = prop::sample::select(vec![
        "begin",
        "commit",
        "rollback",
        "savepoint a",
        "rollback to a",
        "release a",
        "select 1",
        "insert into t values (1)",
        "set a.b = 'c'",
        "set local a.b = 'd'",
        "select 1; commit; select 2",
        "",
        "begin; select 1",
        "listen x",
        "notify x",
        "prepare q as select 1",
        "execute q",
        "deallocate q",
        "discard all",
        "create temp table t (a int) on commit drop",
        "show transaction_isolation",
        "vacuum",
        "prepare transaction 'x'",
        "reset all",
        "commit and chain",
        "vacuum t",
        "select now()",
    ]);
    let sql = sql.prop_map(str::to_owned);
    prop_oneof![
        sql.clone().prop_map(Ask::Simple),
        prop::collection::vec(sql, 1..4).prop_map(Ask::Extended),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_of_a_client_break_nothing(bytes in prop::collection::vec(any::<u8>(), 0..300), begun in any::<bool>()) {
        let (mut engine, mut backend, now) = (engine(), Yes::default(), Instant::now());
        let id = engine.connect();
        if begun {
            engine.client_bytes(id, &startup("x"));
        }
        engine.client_bytes(id, &bytes);
        settle(&mut engine, &mut backend, now);
        engine.client_closed(id);
        settle(&mut engine, &mut backend, now);
        prop_assert!(engine.is_gone(id));
    }

    #[test]
    fn arbitrary_messages_of_a_client_break_nothing(messages in prop::collection::vec(
        (prop::sample::select(b"QPBDECSHFXdcf".to_vec()), prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..12)), 0..20)
    ) {
        let (mut engine, mut backend, now) = (engine(), Yes::default(), Instant::now());
        let id = engine.connect();
        engine.client_bytes(id, &startup("x"));
        for (kind, body) in messages {
            let mut bytes = Vec::new();
            message(&mut bytes, kind, |out| out.extend_from_slice(&body));
            engine.client_bytes(id, &bytes);
            settle(&mut engine, &mut backend, now);
        }
        engine.client_closed(id);
        settle(&mut engine, &mut backend, now);
        prop_assert!(engine.is_gone(id));
    }

    #[test]
    fn arbitrary_bytes_of_the_backend_break_nothing(bytes in prop::collection::vec(any::<u8>(), 0..300), asks in prop::collection::vec(asks(), 0..4)) {
        let (mut engine, now) = (engine(), Instant::now());
        let id = engine.connect();
        engine.client_bytes(id, &startup("x"));
        for ask in asks {
            engine.client_bytes(id, &ask.bytes());
        }
        engine.pump(now);
        engine.backend_bytes(&bytes);
        engine.pump(now);
    }

    #[test]
    fn arbitrary_messages_of_the_backend_break_nothing(messages in prop::collection::vec(
        (prop::sample::select(b"12CDEGHIKNRSTZAnst3dcWv".to_vec()), prop::collection::vec(any::<u8>(), 0..12)), 0..20),
        asks in prop::collection::vec(asks(), 1..4)
    ) {
        let (mut engine, now) = (engine(), Instant::now());
        let id = engine.connect();
        engine.client_bytes(id, &startup("x"));
        for ask in asks {
            engine.client_bytes(id, &ask.bytes());
        }
        engine.pump(now);
        for (kind, body) in messages {
            let mut bytes = Vec::new();
            message(&mut bytes, kind, |out| out.extend_from_slice(&body));
            engine.backend_bytes(&bytes);
            engine.pump(now);
        }
    }

    #[test]
    fn the_answer_is_the_same_however_the_bytes_are_split(asks in prop::collection::vec(asks(), 1..8), piece in 1_usize..40) {
        let mut bytes = startup("x");
        for ask in &asks {
            bytes.extend(ask.bytes());
        }
        prop_assert_eq!(received(&bytes, usize::MAX), received(&bytes, piece));
    }

    #[test]
    fn each_request_is_answered_by_one_ready(asks in prop::collection::vec((0_usize..3, asks()), 1..12)) {
        let (mut engine, mut backend, mut now) = (engine(), Yes::default(), Instant::now());
        let ids = [engine.connect(), engine.connect(), engine.connect()];
        let mut owed = [1_usize; 3];
        for id in ids {
            engine.client_bytes(id, &startup("x"));
        }
        for (client, ask) in asks {
            owed[client] += 1;
            engine.client_bytes(ids[client], &ask.bytes());
        }
        settle(&mut engine, &mut backend, now);
        while let Some(deadline) = engine.deadline() {
            prop_assert!(deadline > now, "a deadline that has passed");
            now = deadline;
            settle(&mut engine, &mut backend, now);
        }
        for (id, owed) in ids.iter().zip(owed) {
            let mut inbox = Inbox::default();
            inbox.push(engine.client_output(*id));
            inbox.cut(true).expect("whole messages");
            let mut ready = 0;
            while let Some((kind, _)) = inbox.front() {
                ready += usize::from(kind == b'Z');
                inbox.pop();
            }
            prop_assert_eq!(ready, owed);
        }
        let (how, script) = (How::RollBack, String::new());
        engine.end_test(End { how, script });
        settle(&mut engine, &mut backend, now);
        let ended = std::iter::from_fn(|| engine.event()).any(|event| matches!(event, Event::TestEnded(_)));
        prop_assert!(ended);
    }
}

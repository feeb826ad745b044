//! Startup messages that name another role or database than the test's, with a server that says
//! what the test says.

use std::sync::Arc;

use super::{
    driver::startup,
    stage::{Stage, stage_with},
};
use crate::postgres::proxy::{
    api::{ClientId, How, Proof, Setup},
    engine::Engine,
    protocol::{command_complete, message, ready},
};

/// A row of four values: whether the role may log in, whether the test's is a superuser, whether it
/// may act as the other one, whether the database exists.
fn row(values: [Option<&str>; 4], status: u8) -> Vec<u8> {
    let mut out = Vec::new();
    message(&mut out, b'D', |out| {
        out.extend_from_slice(&[0, 4]);
        for value in values {
            let length = value.map_or(-1, |value| i32::try_from(value.len()).expect("short"));
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(value.unwrap_or_default().as_bytes());
        }
    });
    command_complete(&mut out, "SELECT 1");
    ready(&mut out, status);
    out
}

/// An engine whose test is of a role, in the database `x`; its clients connect as `postgres`.
fn stage_of(role: &str, answer: fn(u8, &str) -> Option<Vec<u8>>) -> Stage {
    let mut stage = stage_with(Arc::new(()), answer);
    let setup = Setup {
        roles: vec![role.to_owned(), "unnamed".to_owned()],
        databases: vec!["x".to_owned()],
        notify_hook: true,
        ..Setup::default()
    };
    let test = stage.engine.test.take().expect("a test runs");
    stage.engine = Engine::new(setup);
    stage.engine.begin_test(test);
    stage
}

fn connect(stage: &mut Stage, database: &str) -> (ClientId, Vec<String>) {
    let id = stage.engine.connect();
    stage.engine.client_bytes(id, &startup(database));
    let received = stage.received(id);
    (id, received)
}

#[test]
fn the_names_of_the_test_are_not_looked_up() {
    let mut stage = stage_of("postgres", |_, _| None);
    assert_eq!(connect(&mut stage, "x").1.last().expect("an answer"), "Z I");
    assert!(stage.log.is_empty(), "{:?}", stage.log);
}

#[test]
fn a_role_that_cannot_be_taken_is_refused_with_a_hint() {
    let answer = |kind, _: &str| {
        (kind == b'Q').then(|| {
            row(
                [Some("true"), Some("false"), Some("false"), Some("true")],
                b'I',
            )
        })
    };
    let mut stage = stage_of("other", answer);
    let text = "E 42501 the role of the test may not act as role \"postgres\"";
    let (id, received) = connect(&mut stage, "x");
    assert_eq!(received, [text]);
    assert!(stage.engine.is_gone(id));
}

#[test]
fn a_superuser_becomes_the_other_role() {
    let answer = |kind, sql: &str| {
        (kind == b'Q' && sql.contains("pg_roles")).then(|| {
            row(
                [Some("true"), Some("true"), Some("true"), Some("true")],
                b'I',
            )
        })
    };
    let mut stage = stage_of("other", answer);
    let (id, _) = connect(&mut stage, "x");
    stage.ask(id, "select 1");
    let sets = "set_config('session_authorization','postgres',false)";
    assert!(
        stage.log.iter().any(|asked| asked.contains(sets)),
        "{:?}",
        stage.log
    );
}

#[test]
fn a_role_is_looked_up_before_the_database_and_each_time() {
    let answer = |kind, _: &str| (kind == b'Q').then(|| row([None, None, None, None], b'I'));
    let mut stage = stage_of("other", answer);
    for _ in 0..2 {
        let text = "E 28000 role \"postgres\" does not exist";
        assert_eq!(connect(&mut stage, "nowhere").1, [text]);
    }
    assert_eq!(stage.log.len(), 2, "{:?}", stage.log);
}

#[test]
fn a_client_that_goes_while_it_is_looked_up_leaves_the_backend_free() {
    let mut stage = stage_of("postgres", |_, _| None);
    let (other, _) = connect(&mut stage, "x");
    let id = stage.engine.connect();
    stage.engine.client_bytes(id, &startup("nowhere"));
    stage.engine.pump(stage.now);
    stage.engine.backend_output().clear();
    stage.engine.client_closed(id);
    stage.engine.pump(stage.now);
    stage
        .engine
        .backend_bytes(&row([Some("true"), None, None, None], b'I'));
    stage.settle();
    assert!(stage.engine.is_gone(id));
    assert_eq!(stage.ask(other, "select 1"), ["C SELECT 1", "Z I"]);
}

#[test]
fn a_test_ends_while_a_client_is_looked_up() {
    let mut stage = stage_of("postgres", |_, _| None);
    let id = stage.engine.connect();
    stage.engine.client_bytes(id, &startup("nowhere"));
    stage.engine.pump(stage.now);
    stage.engine.backend_output().clear();
    stage.end(How::RollBack);
    assert_eq!(stage.proof(), None, "the answer is waited for");
    stage
        .engine
        .backend_bytes(&row([Some("true"), None, None, None], b'I'));
    assert_eq!(
        stage.received(id),
        ["E 3D000 database \"nowhere\" does not exist"]
    );
    assert_eq!(stage.proof(), Some(&Proof::NotOpened));
}

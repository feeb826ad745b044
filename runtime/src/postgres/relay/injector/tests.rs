//! Faults on a connection whose server says what a test says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Injector, messages::Messages};
use crate::postgres::proxy::{ErrorFields, Faults, Injection, error, error_field, message, query};

/// Fails whatever it is shown.
struct Always(Injection);

impl Faults for Always {
    fn on_statement(&self, _: &str) -> Option<Injection> {
        Some(self.0.clone())
    }

    fn on_commit(&self) -> Option<Injection> {
        Some(self.0.clone())
    }
}

fn conflict() -> Injection {
    Injection {
        error: Some(("40001".to_owned(), "injected".to_owned())),
        ..Injection::default()
    }
}

fn injector(injection: Injection) -> Injector {
    Injector::new(Arc::new(Always(injection)))
}

fn asked(injector: &mut Injector, sql: &str, now: Instant) -> Vec<u8> {
    let (mut bytes, mut out) = (Vec::new(), Vec::new());
    query(&mut bytes, sql);
    injector
        .client_bytes(&bytes, now, &mut out)
        .expect("whole messages");
    out
}

/// An answer of the server: an error about something missing, and the state of the transaction.
fn answer(missing: Option<&str>, status: u8) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(name) = missing {
        let text = format!("prepared statement \"{name}\" does not exist");
        error(&mut out, ErrorFields::new("ERROR", "26000", &text));
    }
    message(&mut out, b'Z', |out| out.push(status));
    out
}

/// What the client gets, in short, and what the server gets.
fn passed(injector: &mut Injector, bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (mut out, mut to_server) = (Vec::new(), Vec::new());
    injector
        .server_bytes(bytes, &mut out, &mut to_server)
        .expect("whole messages");
    let (mut messages, mut shown) = (Messages::default(), Vec::new());
    messages.push(&out);
    while let Some((kind, body)) = messages.front(|_| true, &mut out).expect("whole messages") {
        shown.push(match kind {
            b'E' => error_field(body, b'C').unwrap_or_default().to_owned(),
            _ => format!("{} {}", char::from(kind), char::from(body[0])),
        });
        messages.leave_out();
    }
    (shown, to_server)
}

#[test]
fn a_statement_fails_on_the_server_with_the_error_of_the_fault() {
    let mut injector = injector(conflict());
    let sent = asked(&mut injector, "select 1", Instant::now());
    assert_eq!(sent, b"Q\0\0\0\x1cexecute db_test_fault_1\0");
    let (shown, _) = passed(&mut injector, &answer(Some("db_test_fault_1"), b'I'));
    assert_eq!(shown, ["40001", "Z I"]);
}

#[test]
fn a_commit_that_fails_rolls_back() {
    let mut injector = injector(conflict());
    asked(&mut injector, "begin", Instant::now());
    passed(&mut injector, &answer(None, b'T'));
    asked(&mut injector, "commit", Instant::now());
    let (shown, to_server) = passed(&mut injector, &answer(Some("db_test_fault_1"), b'E'));
    assert_eq!(shown, ["40001"]);
    assert_eq!(to_server, b"Q\0\0\0\x0drollback\0");
    let (shown, _) = passed(&mut injector, &answer(None, b'I'));
    assert_eq!(shown, ["Z I"]);
}

#[test]
fn a_failed_transaction_meets_no_fault() {
    let mut injector = injector(conflict());
    asked(&mut injector, "begin", Instant::now());
    passed(&mut injector, &answer(None, b'E'));
    let sent = asked(&mut injector, "select 1", Instant::now());
    assert_eq!(sent, b"Q\0\0\0\x0dselect 1\0");
}

#[test]
fn a_delay_holds_a_statement_back() {
    let mut injector = injector(Injection {
        delay: Some(Duration::from_secs(1)),
        ..Injection::default()
    });
    let now = Instant::now();
    assert!(asked(&mut injector, "select 1", now).is_empty());
    let until = injector.deadline().expect("it waits");
    let mut out = Vec::new();
    injector.go_on(until, &mut out).expect("whole messages");
    assert_eq!(out, b"Q\0\0\0\x0dselect 1\0");
    assert_eq!(injector.deadline(), None);
}

#[test]
fn a_portal_that_a_fault_hits_is_replaced_by_one_that_does_not_exist() {
    let mut injector = injector(conflict());
    let mut bytes = b"P\0\0\0\x10\0select 1\0\0\0".to_vec();
    message(&mut bytes, b'B', |out| out.extend_from_slice(&[0; 8]));
    let before = bytes.clone();
    message(&mut bytes, b'E', |out| out.extend_from_slice(&[0; 5]));
    message(&mut bytes, b'S', |_| {});
    let mut out = Vec::new();
    injector
        .client_bytes(&bytes, Instant::now(), &mut out)
        .expect("whole messages");
    let expected = [
        &before[..],
        b"E\0\0\0\x18db_test_fault_1\0\0\0\0\0S\0\0\0\x04",
    ];
    assert_eq!(out, expected.concat());
    // An earlier failure of the same pipeline has the server skip it.
    let mut failed = Vec::new();
    error(
        &mut failed,
        ErrorFields::new("ERROR", "22012", "division by zero"),
    );
    failed.extend(answer(None, b'I'));
    assert_eq!(passed(&mut injector, &failed).0, ["22012", "Z I"]);
}

/// Parse, Bind and Execute of a statement.
fn executed(sql: &str) -> Vec<u8> {
    let mut out = Vec::new();
    message(&mut out, b'P', |out| {
        out.extend_from_slice(&[b"\0", sql.as_bytes(), b"\0\0\0"].concat());
    });
    message(&mut out, b'B', |out| out.extend_from_slice(&[0; 8]));
    message(&mut out, b'E', |out| out.extend_from_slice(&[0; 5]));
    out
}

const SYNC: &[u8] = b"S\0\0\0\x04";

/// Fails commits.
struct OnCommit(Injection);

impl Faults for OnCommit {
    fn on_statement(&self, _: &str) -> Option<Injection> {
        None
    }

    fn on_commit(&self) -> Option<Injection> {
        Some(self.0.clone())
    }
}

#[test]
fn what_follows_a_commit_that_fails_waits_until_it_is_rolled_back() {
    let mut injector = Injector::new(Arc::new(OnCommit(conflict())));
    let mut out = Vec::new();
    let group = [executed("begin"), executed("commit"), executed("select 1")].concat();
    let mut next = Vec::new();
    query(&mut next, "select 2");
    let bytes = [&group[..], SYNC, &next].concat();
    injector
        .client_bytes(&bytes, Instant::now(), &mut out)
        .expect("whole messages");
    // The server skips the rest of the group, and has not got the next query.
    assert!(out.ends_with(SYNC) && injector.holds_back());
    let (shown, to_server) = passed(&mut injector, &answer(Some("db_test_fault_1"), b'E'));
    assert_eq!(shown, ["40001"]);
    assert_eq!(to_server, b"Q\0\0\0\x0drollback\0");
    let (shown, _) = passed(&mut injector, &answer(None, b'I'));
    assert_eq!(shown, ["Z I"]);
    out.clear();
    injector
        .go_on(Instant::now(), &mut out)
        .expect("whole messages");
    assert_eq!(out, next);
}

#[test]
fn a_commit_that_the_server_skips_holds_nothing_back() {
    let mut injector = Injector::new(Arc::new(OnCommit(conflict())));
    let group = [
        executed("begin"),
        executed("select 1 / 0"),
        executed("commit"),
    ]
    .concat();
    let bytes = [&group[..], SYNC].concat();
    injector
        .client_bytes(&bytes, Instant::now(), &mut Vec::new())
        .expect("whole messages");
    let mut failed = Vec::new();
    let fields = ErrorFields::new("ERROR", "22012", "division by zero");
    error(&mut failed, fields);
    failed.extend(answer(None, b'E'));
    assert_eq!(passed(&mut injector, &failed).0, ["22012", "Z E"]);
    assert!(!injector.holds_back());
}

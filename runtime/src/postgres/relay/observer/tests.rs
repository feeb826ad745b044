//! What is recorded of a connection whose server says what a test says.

use std::sync::Arc;

use super::Observer;
use crate::{
    observe::recording::{ClientId, Recording},
    postgres::proxy::{ErrorFields, error, message, query},
};

struct Stage {
    observer: Observer,
    recording: Arc<Recording>,
}

fn stage() -> Stage {
    let recording = Recording::new("a_test");
    let observer = Observer::new(Arc::clone(&recording), ClientId::next());
    Stage {
        observer,
        recording,
    }
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
const PREPARED: &[u8] = b"1\0\0\0\x042\0\0\0\x04";

fn completed(tag: &str) -> Vec<u8> {
    let mut out = Vec::new();
    message(&mut out, b'C', |out| {
        out.extend_from_slice(tag.as_bytes());
        out.push(0);
    });
    out
}

fn failed(code: &str) -> Vec<u8> {
    let mut out = Vec::new();
    error(&mut out, ErrorFields::new("ERROR", code, "no"));
    out
}

const READY: &[u8] = b"Z\0\0\0\x05I";

impl Stage {
    fn asks(&mut self, parts: &[&[u8]]) {
        self.observer.client_bytes(&parts.concat());
    }

    fn answers(&mut self, parts: &[&[u8]]) {
        self.observer.server_bytes(&parts.concat());
    }

    /// Each statement with its rows or its error.
    fn recorded(&self) -> Vec<String> {
        let shown = |statement: &crate::observe::recording::Statement| match &statement.error {
            Some(error) => format!("{} {}", statement.sql(), error.code),
            None if statement.is_unanswered => format!("{} unanswered", statement.sql()),
            None => format!("{} {:?}", statement.sql(), statement.rows),
        };
        self.recording.log().statements.iter().map(shown).collect()
    }
}

#[test]
fn each_statement_of_a_pipeline_is_recorded() {
    let mut stage = stage();
    stage.asks(&[&executed("one"), &executed("two"), SYNC]);
    stage.answers(&[PREPARED, &completed("INSERT 0 1"), PREPARED]);
    assert_eq!(stage.recorded(), ["one Some(1)"]);
    stage.answers(&[&completed("UPDATE 2"), READY]);
    assert_eq!(stage.recorded(), ["one Some(1)", "two Some(2)"]);
}

#[test]
fn what_the_server_skips_is_not_recorded() {
    let mut stage = stage();
    stage.asks(&[&executed("one"), &executed("two"), &executed("three")]);
    stage.answers(&[
        PREPARED,
        &completed("INSERT 0 1"),
        PREPARED,
        &failed("23505"),
    ]);
    stage.asks(&[&executed("four"), SYNC, &executed("five"), SYNC]);
    stage.answers(&[READY, PREPARED, &completed("SELECT 5"), READY]);
    assert_eq!(
        stage.recorded(),
        ["one Some(1)", "two 23505", "five Some(5)"]
    );
}

#[test]
fn a_statement_that_cannot_be_prepared_is_recorded_once() {
    let mut stage = stage();
    stage.asks(&[&executed("nonsense"), SYNC]);
    stage.answers(&[&failed("42601"), READY]);
    assert_eq!(stage.recorded(), ["nonsense 42601"]);
}

#[test]
fn the_error_of_the_commit_is_that_of_the_last_statement() {
    let mut stage = stage();
    stage.asks(&[&executed("one"), &executed("two"), SYNC]);
    let done = completed("INSERT 0 1");
    stage.answers(&[PREPARED, &done, PREPARED, &done, &failed("23503"), READY]);
    assert_eq!(stage.recorded(), ["one Some(1)", "two 23503"]);
}

#[test]
fn a_simple_query_is_recorded_as_a_whole() {
    let mut stage = stage();
    let mut bytes = Vec::new();
    query(&mut bytes, "one; two");
    stage.asks(&[&bytes]);
    stage.answers(&[&completed("INSERT 0 1"), &completed("UPDATE 2"), READY]);
    assert_eq!(stage.recorded(), ["one; two Some(2)"]);
}

#[test]
fn what_is_not_answered_is_recorded_as_that() {
    let mut stage = stage();
    stage.asks(&[&executed("one"), &executed("two"), SYNC]);
    stage.answers(&[PREPARED, &completed("INSERT 0 1"), PREPARED]);
    let recording = Arc::clone(&stage.recording);
    drop(std::mem::replace(
        &mut stage.observer,
        Observer::new(recording, ClientId::next()),
    ));
    assert_eq!(stage.recorded(), ["one Some(1)", "two unanswered"]);
}

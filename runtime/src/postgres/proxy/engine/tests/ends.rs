//! The ends of tests and of connections, requests to cancel, and the harness's marks.

use std::sync::Arc;

use super::driver::{Ask, startup};
use super::stage::{Stage, stage, stage_with};
use crate::postgres::proxy::{
    api::{Event, How, MarkRefused, Proof, Test},
    protocol::{ErrorFields, command_complete, error, ready},
};

#[test]
fn the_end_is_one_query() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "select 0");
    let closing = stage.end(How::RollBack);
    assert_eq!(
        closing,
        [
            "Q rollback to savepoint db_test_base_1;execute db_test_closing;rollback;discard sequences"
        ]
    );
    assert_eq!(stage.proof(), Some(&Proof::Proved));
}

#[test]
fn a_transaction_that_has_ended_behind_our_back_is_an_escape() {
    let mut stage = stage_with(Arc::new(()), |_, sql| {
        let mut out = Vec::new();
        if sql.starts_with("rollback to savepoint db_test_base") {
            error(
                &mut out,
                ErrorFields::new("ERROR", "3B001", "savepoint does not exist"),
            );
            ready(&mut out, b'E');
            return Some(out);
        }
        None
    });
    let id = stage.connect();
    stage.ask(id, "select 0");
    stage.end(How::RollBack);
    assert_eq!(stage.proof(), Some(&Proof::Escaped));
}

/// The warm backend of a second test: nothing was sent but what gathers in front of a statement.
#[test]
fn a_test_with_savepoints_and_no_statement_has_not_begun() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "select 0");
    stage.end(How::RollBack);
    stage.events.clear();
    stage.engine.begin_test(Test {
        name: "it::another_test",
        settings: Vec::new(),
        faults: Arc::new(()),
    });
    let id = stage.connect();
    stage.ask(id, "begin; savepoint a");
    stage.ask(id, "begin read write; start transaction read only");
    stage.ask(id, "rollback");
    let closing = stage.end(How::RollBack);
    assert!(closing.is_empty(), "{closing:?}");
    assert_eq!(stage.proof(), Some(&Proof::NotOpened));
}

#[test]
fn the_rows_of_a_failed_test_are_committed_without_open_transactions() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "begin");
    stage.ask(id, "insert into a values (1)");
    let closing = stage.end(How::Commit);
    assert_eq!(
        closing,
        [
            "Q rollback to savepoint s1;release savepoint s1;execute db_test_closing;release savepoint db_test_base_1;commit"
        ]
    );
    assert_eq!(stage.proof(), Some(&Proof::Proved));
}

#[test]
fn a_pool_that_asks_after_the_test_whether_its_connection_works_is_answered_at_once() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "insert into a values (1)");
    stage.end(How::RollBack);
    stage.engine.client_bytes(id, b"S\0\0\0\x04");
    assert_eq!(stage.received(id), ["Z I"]);
    assert_eq!(stage.engine.deadline(), None);
    stage.send(id, "select 1");
    assert!(stage.received(id).is_empty());
    assert!(stage.engine.deadline().is_some());
}

#[test]
fn a_client_of_an_ended_test_is_refused_after_a_pause() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "select 1");
    stage.end(How::RollBack);
    assert!(stage.ask(id, "select 1").is_empty());
    stage.now = stage.engine.deadline().expect("a refusal is due");
    let received = stage.received(id);
    assert!(
        received[0].starts_with("E 57P01 db-test: the test"),
        "{received:?}"
    );
    assert!(stage.engine.is_gone(id));
    assert_eq!(stage.engine.deadline(), None);
}

#[test]
fn a_mark_is_returned_to_and_refused_within_a_transaction() {
    let mut stage = stage();
    let id = stage.connect();
    stage.engine.savepoint(1);
    stage.settle();
    stage.ask(id, "insert into a values (1)");
    stage.log.clear();
    stage.engine.restore(1);
    stage.settle();
    assert_eq!(
        stage.log,
        ["Q release savepoint s2;rollback to savepoint s1;"]
    );
    stage.ask(id, "begin");
    stage.ask(id, "insert into a values (2)");
    stage.engine.restore(1);
    stage.engine.pump(stage.now);
    stage.settle();
    stage.engine.restore(7);
    stage.settle();
    let marked = |event: &Event| match event {
        Event::Marked(Ok(())) => Some("done".to_owned()),
        Event::Marked(Err(MarkRefused::InTransaction(sql))) => Some(sql.to_string()),
        Event::Marked(Err(refused)) => Some(format!("{refused:?}")),
        _ => None,
    };
    let marked: Vec<_> = stage.events.iter().filter_map(marked).collect();
    assert_eq!(
        marked,
        [
            "done",
            "done",
            "insert into a values (2)",
            "insert into a values (2)"
        ]
    );
}

#[test]
fn a_request_to_cancel_hits_what_runs_for_its_client_only() {
    let mut stage = stage_with(Arc::new(()), |_, sql| {
        sql.contains("pg_sleep").then(Vec::new)
    });
    let id = stage.engine.connect();
    stage.engine.client_bytes(id, &startup("x"));
    stage.settle();
    let welcome = stage.engine.client_output(id).clone();
    let at = welcome
        .windows(5)
        .position(|part| part == b"K\0\0\0\x0c")
        .expect("a key")
        + 5;
    let key = welcome[at..at + 8].to_vec();
    let mut request = vec![0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e];
    request.extend_from_slice(&key);
    let cancel = |stage: &mut Stage| {
        let canceling = stage.engine.connect();
        stage.engine.client_bytes(canceling, &request);
        stage.settle();
        canceling
    };
    let is_canceled = |stage: &Stage| {
        let mut events = stage.events.iter();
        events.any(|event| matches!(event, Event::CancelBackend))
    };
    let canceling = cancel(&mut stage);
    assert!(stage.engine.is_gone(canceling));
    assert!(!is_canceled(&stage));
    stage.send(id, "select pg_sleep(9)");
    stage.settle();
    let canceling = cancel(&mut stage);
    assert!(is_canceled(&stage));
    // It may arrive late, so what comes next waits until it has been handled.
    let mut late = Vec::new();
    command_complete(&mut late, "SELECT 1");
    ready(&mut late, b'T');
    stage.engine.backend_bytes(&late);
    let other = stage.connect();
    stage.send(other, "select 1");
    let heard = stage.received(id);
    assert_eq!(heard.last().map(String::as_str), Some("C SELECT 1"));
    assert!(stage.received(other).is_empty());
    assert!(!stage.engine.is_gone(canceling));
    stage.engine.hold_back(false);
    assert_eq!(stage.received(other), ["C SELECT 1", "Z I"]);
    assert!(stage.engine.is_gone(canceling));
}

#[test]
fn a_client_that_has_finished_is_still_answered() {
    let mut stage = stage();
    let id = stage.connect();
    stage.send(id, "select 1");
    stage.send(id, "select 2");
    stage.engine.client_finished(id);
    let answers = ["C SELECT 1", "Z I", "C SELECT 1", "Z I"];
    assert_eq!(stage.received(id), answers);
    assert!(stage.engine.is_gone(id));
}

#[test]
fn a_pipeline_without_its_sync_leaves_nothing() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    let whole = Ask::Extended(vec!["insert into a values (1)".to_owned()]).bytes();
    let mut cut = whole[..whole.len() - 5].to_vec();
    cut.extend_from_slice(b"H\0\0\0\x04X\0\0\0\x04");
    stage.engine.client_bytes(a, &cut);
    assert_eq!(stage.received(a), ["1", "2", "n", "C INSERT 0 1"]);
    assert!(stage.engine.is_gone(a));
    stage.log.clear();
    stage.ask(b, "select 1");
    assert!(
        stage.log[0].starts_with("Q rollback to savepoint s1;"),
        "{:?}",
        stage.log
    );
}

#[test]
fn a_client_that_goes_in_the_middle_of_a_transaction_is_undone() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into a values (1)");
    stage.engine.client_closed(a);
    stage.settle();
    assert!(stage.engine.is_gone(a));
    stage.log.clear();
    stage.ask(b, "select 1");
    assert!(
        stage.log[0].starts_with("Q rollback to savepoint s1;release savepoint s1;"),
        "{:?}",
        stage.log
    );
}

//! Connections one after the other, with a backend that sends what the test says.

use std::{cell::Cell, sync::Arc, time::Duration};

use super::driver::Ask;
use super::stage::{stage, stage_with};
use crate::postgres::proxy::{
    api::{Event, FindingKind, How, NOTIFY_SQLSTATE, Proof},
    protocol::{ErrorFields, command_complete, error, notice, ready},
};

#[test]
fn nothing_is_sent_for_a_transaction_that_does_nothing() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "begin isolation level serializable");
    stage.ask(id, "commit");
    assert!(stage.log.is_empty(), "{:?}", stage.log);
    assert!(stage.end(How::RollBack).is_empty());
    assert_eq!(stage.proof(), Some(&Proof::NotOpened));
}

#[test]
fn a_transaction_costs_one_message_of_ours() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "select 0");
    stage.log.clear();
    for sql in [
        "begin",
        "insert into a values (1)",
        "insert into a values (2)",
        "commit",
    ] {
        stage.ask(id, sql);
    }
    assert_eq!(
        stage.log,
        [
            "Q release savepoint s1;savepoint s2;",
            "Q insert into a values (1)",
            "Q insert into a values (2)"
        ]
    );
}

#[test]
fn a_prepared_statement_is_parsed_once_for_all_clients() {
    let mut stage = stage();
    for _ in 0..3 {
        let id = stage.connect();
        stage.engine.client_bytes(
            id,
            &Ask::Extended(vec!["insert into a values (1)".to_owned()]).bytes(),
        );
        assert_eq!(stage.received(id), ["1", "2", "n", "C INSERT 0 1", "Z I"]);
    }
    assert_eq!(
        stage
            .log
            .iter()
            .filter(|line| line.starts_with("P p"))
            .count(),
        1
    );
}

#[test]
fn a_second_client_waits_for_a_transaction_and_is_then_let_in() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into notes values (1)");
    stage.send(b, "select * from notes");
    assert!(stage.received(b).is_empty());
    let deadline = stage.engine.deadline().expect("a wait has an end");
    assert_eq!(deadline, stage.now + Duration::from_millis(50));
    stage.now = deadline;
    assert_eq!(stage.received(b), ["C SELECT 1", "Z I"]);
    assert_eq!(stage.findings(), [FindingKind::ReadUncommitted]);
}

#[test]
fn a_client_that_follows_meets_nobody() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into notes values (1)");
    stage.send(b, "select * from notes");
    stage.ask(a, "commit");
    assert_eq!(stage.received(b), ["C SELECT 1", "Z I"]);
    assert!(stage.findings().is_empty());
}

#[test]
fn a_write_lost_by_anothers_rollback_is_told() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into orders values (1)");
    stage.send(b, "insert into log values (1)");
    stage.received(b);
    stage.now = stage.engine.deadline().expect("a wait");
    assert_eq!(stage.received(b), ["C INSERT 0 1", "Z I"]);
    stage.ask(a, "rollback");
    // If the test ends here, it cannot have missed anything.
    assert!(stage.findings().is_empty());
    stage.ask(b, "select 1");
    assert_eq!(stage.findings(), [FindingKind::WriteLost]);
}

#[test]
fn begin_waits_for_nobody() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "select 1");
    assert_eq!(stage.ask(b, "begin"), ["C BEGIN", "Z T"]);
    assert_eq!(stage.ask(b, "/*db-test caller 1*/"), ["I", "Z T"]);
}

#[test]
fn a_notification_by_the_hook_is_delivered_at_the_commit() {
    let mut stage = stage_with(Arc::new(()), |kind, sql| {
        (kind == b'Q' && sql == "select f()").then(|| {
            let mut out = Vec::new();
            let fields = ErrorFields {
                detail: Some("payload"),
                ..ErrorFields::new("INFO", NOTIFY_SQLSTATE, "jobs")
            };
            notice(&mut out, fields);
            command_complete(&mut out, "SELECT 1");
            ready(&mut out, b'T');
            out
        })
    });
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(b, "listen jobs");
    stage.ask(a, "begin");
    assert_eq!(stage.ask(a, "select f()"), ["C SELECT 1", "Z T"]);
    assert!(stage.received(b).is_empty());
    stage.ask(a, "commit");
    assert_eq!(stage.received(b), ["A jobs\0payload"]);
}

#[test]
fn a_limit_names_the_way_out() {
    let mut stage = stage_with(Arc::new(()), |kind, sql| {
        (kind == b'Q' && sql.starts_with("do")).then(|| {
            let mut out = Vec::new();
            error(
                &mut out,
                ErrorFields::new("ERROR", "2D000", "invalid transaction termination"),
            );
            ready(&mut out, b'E');
            out
        })
    });
    let id = stage.connect();
    stage.send(id, "do $$ begin commit; end $$");
    stage.settle();
    let received = String::from_utf8_lossy(stage.engine.client_output(id)).into_owned();
    assert!(received.contains("isolation = \"database\""), "{received}");
}

thread_local! {
    static SKIPS: Cell<bool> = const { Cell::new(false) };
}

/// The second statement cannot be prepared, and what follows it is skipped.
fn fails_second(kind: u8, name: &str) -> Option<Vec<u8>> {
    let skips = SKIPS.get();
    SKIPS.set(skips && kind != b'S');
    if (kind, name) == (b'P', "p2") {
        SKIPS.set(true);
        let mut out = Vec::new();
        error(&mut out, ErrorFields::new("ERROR", "42601", "no"));
        return Some(out);
    }
    (skips && kind != b'S').then(Vec::new)
}

#[test]
fn of_a_pipeline_that_fails_what_was_executed_is_told() {
    let mut stage = stage_with(Arc::new(()), fails_second);
    let id = stage.connect();
    let texts = ["one", "two", "three"].map(|name| format!("insert into {name} values (1)"));
    let pipeline = Ask::Extended(texts.to_vec()).bytes();
    stage.engine.client_bytes(id, &pipeline);
    stage.received(id);
    let statement = |event: &Event| match event {
        Event::Statement(finished) => Some((
            finished.sql.to_string(),
            finished.error.as_ref().map(|error| error.code.clone()),
        )),
        _ => None,
    };
    let told: Vec<_> = stage.events.iter().filter_map(statement).collect();
    let failed = Some("42601".to_owned());
    assert_eq!(told, [(texts[0].clone(), None), (texts[1].clone(), failed)]);
}

#[test]
fn statements_are_told_in_order_with_what_came_of_them() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "begin");
    stage.ask(id, "insert into a values (1)");
    stage.engine.client_bytes(
        id,
        &Ask::Extended(vec![
            "insert into a values (2)".to_owned(),
            "commit".to_owned(),
        ])
        .bytes(),
    );
    stage.received(id);
    let statement = |event: &Event| match event {
        Event::Statement(finished) => Some((finished.sql.to_string(), finished.rows)),
        _ => None,
    };
    let statements: Vec<_> = stage.events.iter().filter_map(statement).collect();
    let expected = [
        ("begin", None),
        ("insert into a values (1)", Some(1)),
        ("insert into a values (2)", Some(1)),
        ("commit", None),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(sql, rows)| (sql.to_owned(), rows))
        .collect();
    assert_eq!(statements, expected);
}

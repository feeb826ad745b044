//! One thing at a time, with a backend that says what the test says.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::driver::{Ask, startup};
use super::stage::{Stage, stage, stage_with};
use crate::postgres::proxy::{
    api::{Event, Faults, FindingKind, How, Injection, MarkRefused, NOTIFY_SQLSTATE, Proof},
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
fn a_prepared_statement_is_parsed_once_for_all_clients() {
    let mut stage = stage();
    for _ in 0..3 {
        let id = stage.connect();
        stage.engine.client_bytes(
            id,
            &Ask::Extended(vec!["insert into a values (1)".to_owned()]).bytes(),
        );
        assert_eq!(stage.hear(id), ["1", "2", "n", "C INSERT 0 1", "Z I"]);
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
fn a_pool_that_asks_after_the_test_whether_its_connection_works_is_answered_at_once() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "insert into a values (1)");
    stage.end(How::RollBack);
    stage.engine.client_bytes(id, b"S\0\0\0\x04");
    assert_eq!(stage.hear(id), ["Z I"]);
    assert_eq!(stage.engine.deadline(), None);
    stage.send(id, "select 1");
    assert!(stage.hear(id).is_empty());
    assert!(stage.engine.deadline().is_some());
}

#[test]
fn a_second_client_waits_for_a_transaction_and_is_then_let_in() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into notes values (1)");
    stage.send(b, "select * from notes");
    assert!(stage.hear(b).is_empty());
    let deadline = stage.engine.deadline().expect("a wait has an end");
    assert_eq!(deadline, stage.now + Duration::from_millis(50));
    stage.now = deadline;
    assert_eq!(stage.hear(b), ["C SELECT 1", "Z I"]);
    assert_eq!(stage.findings(), [FindingKind::ReadUncommitted]);
    // The process has learned that its tests do this.
    stage.ask(a, "commit");
    stage.ask(a, "begin");
    stage.ask(a, "insert into notes values (2)");
    stage.send(b, "select 1");
    stage.hear(b);
    assert_eq!(
        stage.engine.deadline(),
        Some(stage.now + Duration::from_millis(10))
    );
}

#[test]
fn a_client_that_follows_meets_nobody() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into notes values (1)");
    stage.send(b, "select * from notes");
    stage.ask(a, "commit");
    assert_eq!(stage.hear(b), ["C SELECT 1", "Z I"]);
    assert!(stage.findings().is_empty());
}

#[test]
fn a_write_lost_by_anothers_rollback_is_told() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into orders values (1)");
    stage.send(b, "insert into log values (1)");
    stage.hear(b);
    stage.now = stage.engine.deadline().expect("a wait");
    assert_eq!(stage.hear(b), ["C INSERT 0 1", "Z I"]);
    stage.ask(a, "rollback");
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
    assert!(stage.hear(b).is_empty());
    stage.ask(a, "commit");
    assert_eq!(stage.hear(b), ["A jobs\0payload"]);
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
    let heard = String::from_utf8_lossy(stage.engine.client_output(id)).into_owned();
    assert!(heard.contains("isolation = \"database\""), "{heard}");
}

struct Once(Mutex<Option<Injection>>, bool);

impl Faults for Once {
    fn on_statement(&self, _: &str) -> Option<Injection> {
        if self.1 {
            None
        } else {
            self.0.lock().expect("a lock").take()
        }
    }

    fn on_commit(&self) -> Option<Injection> {
        if self.1 {
            self.0.lock().expect("a lock").take()
        } else {
            None
        }
    }
}

fn fault(injection: Injection, on_commit: bool) -> Stage {
    stage_with(
        Arc::new(Once(Mutex::new(Some(injection)), on_commit)),
        |_, _| None,
    )
}

#[test]
fn a_fault_fails_a_statement_once() {
    let error = Some(("40001".to_owned(), "injected".to_owned()));
    let mut stage = fault(
        Injection {
            error,
            ..Injection::default()
        },
        false,
    );
    let id = stage.connect();
    assert_eq!(stage.ask(id, "select 1"), ["E 40001 injected", "Z I"]);
    assert_eq!(stage.ask(id, "select 1"), ["C SELECT 1", "Z I"]);
}

#[test]
fn a_fault_of_a_pipeline_comes_in_its_turn() {
    let error = Some(("40001".to_owned(), "injected".to_owned()));
    let mut stage = fault(
        Injection {
            error,
            ..Injection::default()
        },
        false,
    );
    let id = stage.connect();
    stage.engine.client_bytes(
        id,
        &Ask::Extended(vec!["select 1".to_owned(), "select 2".to_owned()]).bytes(),
    );
    assert_eq!(stage.hear(id), ["1", "2", "n", "E 40001 injected", "Z I"]);
}

#[test]
fn a_fault_of_a_commit_undoes_the_transaction() {
    let error = Some(("40001".to_owned(), "injected".to_owned()));
    let mut stage = fault(
        Injection {
            error,
            ..Injection::default()
        },
        true,
    );
    let id = stage.connect();
    stage.ask(id, "begin");
    stage.ask(id, "insert into a values (1)");
    assert_eq!(stage.ask(id, "commit"), ["E 40001 injected", "Z I"]);
    stage.log.clear();
    stage.ask(id, "select 1");
    assert!(
        stage.log[0].starts_with("Q rollback to savepoint s1;release savepoint s1;"),
        "{:?}",
        stage.log
    );
}

#[test]
fn a_fault_delays_a_statement() {
    let delay = Some(Duration::from_millis(200));
    let mut stage = fault(
        Injection {
            delay,
            ..Injection::default()
        },
        false,
    );
    let id = stage.connect();
    assert!(stage.ask(id, "select 1").is_empty());
    assert_eq!(
        stage.engine.deadline(),
        Some(stage.now + Duration::from_millis(200))
    );
    stage.now += Duration::from_millis(200);
    assert_eq!(stage.hear(id), ["C SELECT 1", "Z I"]);
}

#[test]
fn a_fault_ends_the_connection() {
    let mut stage = fault(
        Injection {
            disconnects: true,
            ..Injection::default()
        },
        false,
    );
    let id = stage.connect();
    assert_eq!(
        stage.ask(id, "select 1"),
        ["E 57P01 terminating connection due to administrator command"]
    );
    assert!(stage.engine.is_gone(id));
}

#[test]
fn a_client_of_an_ended_test_is_refused_after_a_pause() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "select 1");
    stage.end(How::RollBack);
    assert!(stage.ask(id, "select 1").is_empty());
    stage.now = stage.engine.deadline().expect("a refusal is due");
    let heard = stage.hear(id);
    assert!(
        heard[0].starts_with("E 57P01 db-test: the test"),
        "{heard:?}"
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
        assert!(stage.engine.is_gone(canceling));
    };
    cancel(&mut stage);
    assert!(stage.events.is_empty());
    stage.send(id, "select pg_sleep(9)");
    stage.settle();
    cancel(&mut stage);
    assert!(
        stage
            .events
            .iter()
            .any(|event| matches!(event, Event::CancelBackend))
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
    stage.hear(id);
    let told = |event: &Event| match event {
        Event::Statement(finished) => Some((finished.sql.to_string(), finished.rows)),
        _ => None,
    };
    let told: Vec<_> = stage.events.iter().filter_map(told).collect();
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
    assert_eq!(told, expected);
}

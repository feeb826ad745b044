//! Connections that keep each other waiting, and times that stand still, with a backend that says what the test says.

use std::{sync::Arc, time::Duration};

use super::{
    driver::Ask,
    stage::{Stage, stage, stage_with},
};
use crate::postgres::proxy::{
    api::{ClientId, Event, FindingKind},
    protocol::{ErrorFields, command_complete, error, message, ready},
};

/// A pipeline that is flushed and not ended.
fn open_pipeline(stage: &mut Stage, id: ClientId) {
    let mut bytes = Ask::Extended(vec!["insert into a values (1)".to_owned()]).bytes();
    assert_eq!(bytes.split_off(bytes.len() - 5), b"S\0\0\0\x04");
    bytes.extend_from_slice(b"H\0\0\0\x04");
    stage.engine.client_bytes(id, &bytes);
    assert_eq!(
        stage.received(id).last().map(String::as_str),
        Some("C INSERT 0 1")
    );
}

/// A stage whose backend takes rows after `copy`.
fn copying() -> Stage {
    stage_with(Arc::new(()), |kind, sql| {
        let mut out = Vec::new();
        match kind {
            b'Q' if sql.contains("copy a") => {
                message(&mut out, b'G', |out| out.extend_from_slice(&[0, 0, 0]));
            }
            b'f' => {
                let text = "COPY from stdin failed";
                error(&mut out, ErrorFields::new("ERROR", "57014", text));
                ready(&mut out, b'E');
            }
            _ => return None,
        }
        Some(out)
    })
}

#[test]
fn a_pipeline_without_an_end_keeps_others_waiting_for_a_bounded_time() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    open_pipeline(&mut stage, a);
    stage.send(b, "select 1");
    assert!(stage.received(b).is_empty());
    stage.now = stage.engine.deadline().expect("a limit");
    let received = stage.received(b);
    let refusal = "E 55P03 another connection of this test has been in the middle of a pipeline without a Sync for 5 s";
    assert_eq!(received, [refusal, "Z I"]);
    assert_eq!(stage.findings(), [FindingKind::HeldUp]);
    // The pipeline goes on where it was.
    stage.engine.client_bytes(a, b"S\0\0\0\x04");
    assert_eq!(stage.received(a).last().map(String::as_str), Some("Z I"));
    assert_eq!(stage.ask(b, "select 1"), ["C SELECT 1", "Z I"]);
}

#[test]
fn who_is_refused_in_the_extended_protocol_is_named_and_goes_on_after_its_sync() {
    let mut stage = copying();
    let (a, b) = (stage.connect(), stage.connect());
    stage.send(a, "copy a from stdin");
    assert_eq!(stage.received(a).len(), 1);
    let query = Ask::Extended(vec!["select 2".to_owned()]).bytes();
    stage.engine.client_bytes(b, &query);
    stage.received(b);
    stage.now = stage.engine.deadline().expect("a limit");
    let received = stage.received(b).join(" ");
    assert!(
        received.contains("E 55P03") && received.ends_with("Z I"),
        "{received}"
    );
    let second = stage.events.iter().find_map(|event| match event {
        Event::Entanglement(finding) => Some(finding.second.1.to_string()),
        _ => None,
    });
    assert_eq!(second.as_deref(), Some("select 2"));
    stage.engine.client_closed(a);
    stage.settle();
    assert_eq!(stage.ask(b, "select 1"), ["C SELECT 1", "Z I"]);
}

#[test]
fn a_copy_without_an_end_keeps_others_waiting_for_a_bounded_time() {
    let mut stage = copying();
    let (a, b) = (stage.connect(), stage.connect());
    stage.send(a, "copy a from stdin");
    assert_eq!(stage.received(a).len(), 1);
    stage.send(b, "select 1");
    assert!(stage.received(b).is_empty());
    stage.now = stage.engine.deadline().expect("a limit");
    let received = stage.received(b);
    let refusal = "E 55P03 another connection of this test has been in the middle of a COPY that has not ended for 5 s";
    assert_eq!(received, [refusal, "Z I"]);
    assert_eq!(stage.findings(), [FindingKind::HeldUp]);
}

#[test]
fn who_was_refused_rolls_back_without_a_second_wait() {
    for end in ["rollback", "commit"] {
        let mut stage = copying();
        let (a, b) = (stage.connect(), stage.connect());
        stage.ask(b, "begin");
        stage.ask(b, "insert into b values (1)");
        // The open transaction is waited for, then the copy begins on top of it.
        stage.send(a, "copy a from stdin");
        assert!(stage.received(a).is_empty());
        stage.now = stage.engine.deadline().expect("a wait has an end");
        assert_eq!(stage.received(a).len(), 1);
        stage.send(b, "insert into b values (2)");
        stage.settle();
        stage.now = stage.engine.deadline().expect("a limit");
        assert_eq!(stage.received(b).last().map(String::as_str), Some("Z E"));
        assert_eq!(stage.ask(b, end), ["C ROLLBACK", "Z I"]);
        assert_eq!(stage.ask(b, "begin"), ["C BEGIN", "Z T"]);
        assert_eq!(stage.ask(b, "rollback"), ["C ROLLBACK", "Z I"]);
        stage.log.clear();
        stage.engine.client_closed(a);
        stage.settle();
        assert_eq!(stage.ask(b, "select 1"), ["C SELECT 1", "Z I"]);
        let undone =
            |sent: &String| sent.contains("rollback to savepoint s1;release savepoint s1;");
        assert!(stage.log.iter().any(undone), "{:?}", stage.log);
    }
}

#[test]
fn who_goes_on_with_a_pipeline_keeps_others_waiting_for_longer() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    open_pipeline(&mut stage, a);
    stage.send(b, "select 1");
    assert!(stage.received(b).is_empty());
    let limit = stage.engine.deadline().expect("a limit");
    stage.now += Duration::from_secs(3);
    open_pipeline(&mut stage, a);
    assert_eq!(
        stage.engine.deadline(),
        Some(limit + Duration::from_secs(3))
    );
    stage.now = limit;
    assert!(stage.received(b).is_empty());
    assert!(stage.findings().is_empty());
}

#[test]
fn an_old_time_after_a_pause_is_found() {
    let mut stage = stage();
    let id = stage.connect();
    stage.ask(id, "insert into jobs (run_at) values (now())");
    stage.now += Duration::from_millis(200);
    stage.ask(id, "select count(*) from jobs where run_at <= now()");
    assert_eq!(stage.findings(), [FindingKind::ClockStoodStill]);
}

#[test]
fn an_advisory_lock_that_another_connection_holds_is_found() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "select pg_advisory_lock(7)");
    stage.ask(b, "select pg_try_advisory_lock(8)");
    stage.ask(b, "select pg_advisory_unlock(8)");
    stage.ask(a, "begin");
    stage.ask(a, "select pg_advisory_xact_lock(8)");
    stage.ask(a, "commit");
    stage.ask(b, "select pg_advisory_lock(8)");
    assert!(stage.findings().is_empty(), "{:?}", stage.events);
    stage.ask(b, "select pg_try_advisory_lock(7)");
    assert_eq!(stage.findings(), [FindingKind::AdvisoryLockGranted]);
}

#[test]
fn an_advisory_lock_ends_with_its_connection_and_the_failure_of_its_transaction() {
    let mut stage = stage_with(Arc::new(()), |kind, sql| {
        let mut out = Vec::new();
        if kind != b'Q' || sql != "select broken" {
            return None;
        }
        error(
            &mut out,
            ErrorFields::new("ERROR", "42703", "no such column"),
        );
        ready(&mut out, b'E');
        Some(out)
    });
    let (a, b, c) = (stage.connect(), stage.connect(), stage.connect());
    stage.ask(a, "select pg_advisory_lock(7)");
    stage.engine.client_closed(a);
    stage.settle();
    stage.ask(b, "begin");
    stage.ask(b, "select pg_advisory_xact_lock(8)");
    stage.ask(b, "select broken");
    stage.ask(c, "select pg_advisory_lock(7)");
    stage.ask(c, "select pg_advisory_lock(8)");
    assert!(stage.findings().is_empty(), "{:?}", stage.events);
}

#[test]
fn an_advisory_lock_of_a_transaction_ends_with_the_savepoint_that_it_came_after() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    for sql in [
        "begin",
        "select pg_advisory_xact_lock(6)",
        "savepoint one",
        "select pg_advisory_xact_lock(7), pg_advisory_lock(8)",
        "rollback to one",
    ] {
        stage.ask(a, sql);
    }
    // The transaction is open: it is waited for, once.
    stage.send(b, "select pg_try_advisory_lock(7)");
    stage.settle();
    stage.now = stage.engine.deadline().expect("a wait has an end");
    stage.received(b);
    assert!(stage.findings().is_empty(), "{:?}", stage.events);
    for key in ["6", "8"] {
        stage.ask(b, &format!("select pg_try_advisory_lock({key})"));
    }
    assert_eq!(stage.findings(), [FindingKind::AdvisoryLockGranted; 2]);
}

#[test]
fn a_failure_after_a_savepoint_keeps_the_advisory_locks_from_before_it() {
    let mut stage = stage_with(Arc::new(()), |kind, sql| {
        let mut out = Vec::new();
        if kind != b'Q' || sql != "select broken" {
            return None;
        }
        error(
            &mut out,
            ErrorFields::new("ERROR", "42703", "no such column"),
        );
        ready(&mut out, b'E');
        Some(out)
    });
    let (a, b) = (stage.connect(), stage.connect());
    for sql in [
        "begin",
        "select pg_advisory_xact_lock(7)",
        "savepoint one",
        "select broken",
    ] {
        stage.ask(a, sql);
    }
    stage.send(b, "select pg_try_advisory_lock(7)");
    stage.settle();
    stage.now = stage.engine.deadline().expect("a wait has an end");
    stage.received(b);
    assert_eq!(stage.findings(), [FindingKind::AdvisoryLockGranted]);
}

#[test]
fn an_advisory_lock_of_an_implicit_transaction_ends_with_it() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "select pg_advisory_xact_lock(7); select 1");
    stage.ask(b, "select pg_try_advisory_lock(7)");
    assert!(stage.findings().is_empty(), "{:?}", stage.events);
}

#[test]
fn a_name_that_another_connection_has_is_refused_with_the_way_out() {
    let mut stage = stage_with(Arc::new(()), |kind, sql| {
        let (code, text) = match sql {
            "create temp table one (n int) /* again */" => ("42P07", "exists"),
            "declare two cursor with hold for select 1 /* again */" => ("42P03", "exists"),
            _ => return None,
        };
        assert_eq!(kind, b'Q');
        let mut out = Vec::new();
        error(&mut out, ErrorFields::new("ERROR", code, text));
        ready(&mut out, b'E');
        Some(out)
    });
    let (a, b) = (stage.connect(), stage.connect());
    for sql in [
        "create temp table one (n int)",
        "declare two cursor with hold for select 1",
    ] {
        stage.ask(a, sql);
        let again = format!("{sql} /* again */");
        for (client, has_hint) in [(a, false), (b, true)] {
            stage.send(client, &again);
            stage.settle();
            let output = stage.engine.client_output(client);
            let text = String::from_utf8_lossy(output).into_owned();
            output.clear();
            assert!(text.contains("exists"), "{text:?}");
            assert_eq!(text.contains("isolation = "), has_hint, "{text:?}");
        }
    }
    assert_eq!(stage.findings(), [FindingKind::TemporaryTable]);
}

/// Has the second client meet the open transaction of the first one.
fn meet(stage: &mut Stage, id: ClientId, sql: &str) {
    stage.send(id, sql);
    stage.settle();
    stage.now = stage.engine.deadline().expect("a wait has an end");
    stage.received(id);
}

#[test]
fn what_is_read_by_a_connection_that_came_after_the_write_is_found() {
    let mut stage = stage();
    let a = stage.connect();
    stage.ask(a, "begin");
    stage.ask(a, "insert into notes values (1)");
    let b = stage.connect();
    meet(&mut stage, b, "select * from notes");
    assert_eq!(stage.findings(), [FindingKind::ReadUncommitted]);
}

/// A row of text columns, and what ends a query.
fn row(columns: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    message(&mut out, b'D', |out| {
        out.extend_from_slice(&[0, u8::try_from(columns.len()).expect("few")]);
        for column in columns {
            out.extend_from_slice(&[0, 0, 0, u8::try_from(column.len()).expect("short")]);
            out.extend_from_slice(column.as_bytes());
        }
    });
    command_complete(&mut out, "INSERT 0 1");
    ready(&mut out, b'T');
    out
}

#[test]
fn a_reference_to_a_row_that_is_not_committed_is_found() {
    let mut stage = stage_with(Arc::new(()), |_, sql| match sql {
        sql if sql.contains("confrelid") => Some(row(&["parts", "wholes"])),
        sql if sql.ends_with("returning id") => Some(row(&["4711"])),
        _ => None,
    });
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into wholes default values returning id");
    meet(
        &mut stage,
        b,
        "insert into others values (4711) returning id",
    );
    assert!(stage.findings().is_empty(), "{:?}", stage.events);
    stage.ask(b, "insert into parts (id) values (4711) returning id");
    assert_eq!(stage.findings(), [FindingKind::ReadUncommitted]);
    let reads = stage.log.iter().filter(|sent| sent.contains("confrelid"));
    assert_eq!(reads.count(), 1, "{:?}", stage.log);
}

#[test]
fn a_check_that_fails_for_what_another_connection_has_not_committed_is_found() {
    for second in [
        &["begin", "insert into log values (2)", "commit"][..],
        &["insert into log values (2)"],
    ] {
        let mut stage = stage_with(Arc::new(()), |_, sql| match sql {
            sql if sql.contains("condeferrable") => {
                Some(row(&["set constraints x deferred;", "1"]))
            }
            "set constraints all immediate" => violation("insert into notes values (1)"),
            _ => None,
        });
        let (a, b) = (stage.connect(), stage.connect());
        stage.ask(a, "begin");
        stage.ask(a, "insert into log values (1)");
        for sql in second {
            stage.send(b, sql);
            stage.settle();
            stage.now = stage.engine.deadline().unwrap_or(stage.now);
            stage.received(b);
        }
        assert_eq!(stage.findings(), [FindingKind::LockNotWaitedFor]);
        let finding = stage.events.iter().find_map(|event| match event {
            Event::Entanglement(finding) => Some(&*finding.second.1),
            _ => None,
        });
        assert_eq!(finding, second.last().copied());
    }
}

/// The server's own words about a statement that names neither table.
fn violation(sql: &str) -> Option<Vec<u8>> {
    let (code, table, detail) = match sql {
        "insert into parts values (1)" => (
            "23503",
            "parts",
            "Key (whole)=(1) is not present in table \"wholes\".",
        ),
        "insert into notes values (1)" => ("23505", "log", "Key (id)=(1) already exists."),
        _ => return None,
    };
    let mut out = Vec::new();
    message(&mut out, b'E', |out| {
        for (field, value) in [
            (b'S', "ERROR"),
            (b'V', "ERROR"),
            (b'C', code),
            (b'M', "violated"),
            (b'D', detail),
            (b't', table),
        ] {
            out.push(field);
            out.extend_from_slice(value.as_bytes());
            out.push(0);
        }
        out.push(0);
    });
    ready(&mut out, b'E');
    Some(out)
}

#[test]
fn a_constraint_that_fails_for_what_another_connection_has_not_committed_is_found() {
    for (first, second) in [
        (
            "delete from wholes where id = 1",
            "insert into parts values (1)",
        ),
        ("insert into log values (1)", "insert into notes values (1)"),
    ] {
        for is_open in [true, false] {
            let mut stage = stage_with(Arc::new(()), |_, sql| violation(sql));
            let (a, b) = (stage.connect(), stage.connect());
            stage.ask(a, "begin");
            stage.ask(a, first);
            if !is_open {
                stage.ask(a, "commit");
            }
            stage.send(b, second);
            stage.settle();
            if is_open {
                stage.now = stage.engine.deadline().expect("a wait has an end");
            }
            stage.received(b);
            let found: &[_] = if is_open {
                &[FindingKind::LockNotWaitedFor]
            } else {
                &[]
            };
            assert_eq!(stage.findings(), found, "{second}");
        }
    }
}

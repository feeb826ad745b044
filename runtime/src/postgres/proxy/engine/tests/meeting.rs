//! Connections that keep each other waiting, and times that stand still, with a backend that says
//! what the test says.

use std::{sync::Arc, time::Duration};

use super::{
    driver::Ask,
    stage::{Stage, stage, stage_with},
};
use crate::postgres::proxy::{
    api::{ClientId, Event, FindingKind},
    protocol::{ErrorFields, error, message, ready},
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

/// Has `b` ask something while `a`'s transaction stands still after a statement; says how long it
/// waits.
fn wait_after(stage: &mut Stage, (a, b): (ClientId, ClientId), last: &str) -> Duration {
    stage.ask(a, "begin");
    stage.ask(a, last);
    stage.send(b, "select 1");
    assert!(stage.received(b).is_empty());
    let asked = stage.now;
    stage.now = stage.engine.deadline().expect("a wait has an end");
    assert_eq!(stage.received(b), ["C SELECT 1", "Z I"]);
    assert_eq!(stage.ask(a, "rollback"), ["C ROLLBACK", "Z I"]);
    stage.now.duration_since(asked)
}

#[test]
fn who_uses_a_second_connection_at_a_known_place_waits_for_a_shorter_time() {
    let mut stage = stage();
    let clients = (stage.connect(), stage.connect());
    let (known, another) = ("insert into a values (1)", "insert into b values (1)");
    let whole = wait_after(&mut stage, clients, known);
    assert!(wait_after(&mut stage, clients, known) < whole);
    assert_eq!(wait_after(&mut stage, clients, another), whole);
}

#[test]
fn a_transaction_that_goes_on_is_waited_for() {
    let mut stage = stage();
    let (a, b) = (stage.connect(), stage.connect());
    stage.ask(a, "begin");
    stage.ask(a, "insert into a values (1)");
    stage.send(b, "select 1");
    for _ in 0..20 {
        stage.now += Duration::from_millis(40);
        assert!(stage.received(b).is_empty());
        stage.ask(a, "insert into a values (1)");
    }
    assert_eq!(stage.ask(a, "commit"), ["C COMMIT", "Z I"]);
    assert_eq!(stage.received(b), ["C SELECT 1", "Z I"]);
    assert!(stage.findings().is_empty());
}

//! Rows that one connection has not committed, and what another one is checked against, with a
//! scripted backend.

use std::sync::Arc;

use super::stage::{Stage, stage, stage_with};
use crate::postgres::proxy::{
    api::{ClientId, Event, FindingKind},
    protocol::{command_complete, message, ready},
};

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

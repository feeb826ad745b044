//! Advisory locks of several connections, with a scripted backend.

use std::sync::Arc;

use super::stage::{Stage, stage, stage_with};
use crate::postgres::proxy::{
    api::FindingKind,
    protocol::{ErrorFields, error, ready},
};

/// A stage whose backend refuses `select broken` within a transaction.
fn failing() -> Stage {
    stage_with(Arc::new(()), |kind, sql| {
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
    })
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
    let mut stage = failing();
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
    let mut stage = failing();
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

//! Faults that a test sets.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::driver::Ask;
use super::stage::{Stage, stage_with};
use crate::postgres::proxy::api::{Faults, Injection};

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

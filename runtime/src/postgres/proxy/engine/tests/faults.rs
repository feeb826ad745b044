//! Faults that a test sets.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::driver::Ask;
use super::stage::{Stage, stage_with};
use crate::postgres::proxy::api::{Faults, Injection};

/// Injects once: into a statement or into a commit.
#[derive(Default)]
struct Once {
    into_statement: Mutex<Option<Injection>>,
    into_commit: Mutex<Option<Injection>>,
}

impl Faults for Once {
    fn on_statement(&self, _: &str) -> Option<Injection> {
        self.into_statement.lock().expect("a lock").take()
    }

    fn on_commit(&self) -> Option<Injection> {
        self.into_commit.lock().expect("a lock").take()
    }
}

fn with(faults: Once) -> Stage {
    stage_with(Arc::new(faults), |_, _| None)
}

fn with_statement(injection: Injection) -> Stage {
    with(Once {
        into_statement: Mutex::new(Some(injection)),
        ..Once::default()
    })
}

fn conflict() -> Injection {
    Injection {
        error: Some(("40001".to_owned(), "injected".to_owned())),
        ..Injection::default()
    }
}

#[test]
fn a_fault_fails_a_statement_once() {
    let mut stage = with_statement(conflict());
    let id = stage.connect();
    assert_eq!(stage.ask(id, "select 1"), ["E 40001 injected", "Z I"]);
    assert_eq!(stage.ask(id, "select 1"), ["C SELECT 1", "Z I"]);
}

#[test]
fn a_fault_of_a_pipeline_comes_in_its_turn() {
    let mut stage = with_statement(conflict());
    let id = stage.connect();
    stage.engine.client_bytes(
        id,
        &Ask::Extended(vec!["select 1".to_owned(), "select 2".to_owned()]).bytes(),
    );
    assert_eq!(
        stage.received(id),
        ["1", "2", "n", "E 40001 injected", "Z I"]
    );
}

#[test]
fn a_fault_of_a_commit_undoes_the_transaction() {
    let mut stage = with(Once {
        into_commit: Mutex::new(Some(conflict())),
        ..Once::default()
    });
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
    let mut stage = with_statement(Injection {
        delay,
        ..Injection::default()
    });
    let id = stage.connect();
    assert!(stage.ask(id, "select 1").is_empty());
    assert_eq!(
        stage.engine.deadline(),
        Some(stage.now + Duration::from_millis(200))
    );
    stage.now += Duration::from_millis(200);
    assert_eq!(stage.received(id), ["C SELECT 1", "Z I"]);
}

#[test]
fn a_fault_ends_the_connection() {
    let mut stage = with_statement(Injection {
        disconnects: true,
        ..Injection::default()
    });
    let id = stage.connect();
    assert_eq!(
        stage.ask(id, "select 1"),
        ["E 57P01 terminating connection due to administrator command"]
    );
    assert!(stage.engine.is_gone(id));
}

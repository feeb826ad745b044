use std::{sync::Arc, time::Duration};

use super::{Faults, Table};
use crate::postgres::proxy::{Faults as _, Injection};

fn faults() -> Faults {
    Faults(Arc::new(Table::default()))
}

fn code(injection: Option<Injection>) -> Option<String> {
    Some(injection?.error?.0)
}

#[test]
fn a_fault_hits_so_many_statements_as_it_was_to_and_no_more() {
    let faults = faults();
    let fault = faults
        .on("insert into orders%values")
        .fail_with("40001")
        .times(2);
    let hit = || {
        code(
            faults
                .0
                .on_statement("INSERT INTO orders (id)\n VALUES (1)"),
        )
    };
    assert_eq!(code(faults.0.on_statement("select 1")), None);
    assert_eq!(
        [hit(), hit(), hit()],
        [Some("40001".into()), Some("40001".into()), None]
    );
    assert_eq!(fault.hits(), 2);
    assert!(faults.0.unused().describe().is_none());
}

#[test]
fn what_a_fault_does_can_be_combined() {
    let faults = faults();
    let second = Duration::from_secs(1);
    faults.on("select").delay(second).fail_with("57014");
    let injection = faults.0.on_statement("select 1").expect("it hits");
    assert_eq!(
        (injection.delay, injection.error.map(|error| error.0)),
        (Some(second), Some("57014".to_owned()))
    );
}

#[test]
fn the_fault_that_was_set_first_hits_first() {
    let faults = faults();
    faults.on("select").fail_with("40001");
    faults.on("select").fail_with("40P01");
    let hit = || code(faults.0.on_statement("select 1"));
    assert_eq!([hit(), hit()], [Some("40001".into()), Some("40P01".into())]);
}

#[test]
fn a_fault_of_a_commit_is_none_of_a_statement() {
    let faults = faults();
    faults.on_commit().disconnect();
    assert!(faults.0.on_statement("commit").is_none());
    assert!(
        faults
            .0
            .on_commit()
            .is_some_and(|injection| injection.disconnects)
    );
}

#[test]
fn what_hit_nothing_is_told_with_its_place() {
    let faults = faults();
    faults.on("insert into oders").fail_with("40001");
    drop(faults.on_commit());
    let message = faults.0.unused().describe().expect("nothing has hit");
    assert!(
        message.contains("the fault on `insert into oders` was set at"),
        "{message}"
    );
    assert!(message.contains("faults/tests.rs:"), "{message}");
    assert!(message.contains("does nothing"), "{message}");
}

#[test]
#[should_panic(expected = "`oops` is not an SQLSTATE")]
fn a_code_that_is_none_is_refused() {
    faults().on("select").fail_with("oops");
}

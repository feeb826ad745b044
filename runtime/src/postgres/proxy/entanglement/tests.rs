//! What one connection's statements meet of another's.

use std::{rc::Rc, sync::Arc};

use super::{Done, FindingKind, Journal};
use crate::{postgres::proxy::control::recognize, sql::tokens};

fn run(
    journal: &mut Journal,
    client: u32,
    sql: &str,
    values: &[u64],
    rows: u64,
) -> Vec<FindingKind> {
    observe(journal, client, sql, (values, rows), true)
}

fn observe(
    journal: &mut Journal,
    client: u32,
    sql: &str,
    (values, rows): (&[u64], u64),
    is_counted: bool,
) -> Vec<FindingKind> {
    let info = Rc::new(recognize(sql, &tokens(sql, false)));
    let found = journal.observe(Done {
        client,
        sql: &Arc::from(sql),
        info: &info,
        values: values.to_vec(),
        rows: Some(rows),
        is_counted,
    });
    found.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_read_of_what_is_not_committed_is_found() {
    let mut journal = Journal::default();
    run(&mut journal, 1, "insert into notes values (1)", &[], 1);
    assert_eq!(
        run(&mut journal, 2, "select * from notes", &[], 1),
        [FindingKind::ReadUncommitted]
    );
    assert!(run(&mut journal, 2, "select * from notes", &[], 1).is_empty());
    assert!(run(&mut journal, 2, "select * from users", &[], 1).is_empty());
}

#[test]
fn what_is_committed_is_nobodys_concern() {
    let mut journal = Journal::default();
    run(&mut journal, 1, "insert into notes values (1)", &[], 1);
    journal.committed(1);
    assert!(run(&mut journal, 2, "select * from notes", &[], 1).is_empty());
}

#[test]
fn rows_of_different_values_leave_each_other_alone() {
    let mut journal = Journal::default();
    run(
        &mut journal,
        1,
        "update notes set text = $1 where id = $2",
        &[1, 2],
        1,
    );
    assert!(
        run(
            &mut journal,
            2,
            "update notes set text = $1 where id = $2",
            &[3, 4],
            1
        )
        .is_empty()
    );
    assert_eq!(
        run(
            &mut journal,
            2,
            "update notes set text = $1 where id = $2",
            &[3, 2],
            1
        ),
        [FindingKind::LockNotWaitedFor]
    );
}

#[test]
fn one_that_does_not_tell_how_many_rows_it_wrote_has_only_perhaps_met_a_lock() {
    let mut journal = Journal::default();
    let delete = "with gone as (delete from notes returning 1) select count(*) from gone";
    observe(&mut journal, 1, delete, (&[], 1), false);
    assert_eq!(
        observe(&mut journal, 2, delete, (&[], 1), false),
        [FindingKind::LockPerhapsNotWaitedFor]
    );
    assert_eq!(
        run(&mut journal, 2, "delete from notes", &[], 1),
        [FindingKind::LockPerhapsNotWaitedFor]
    );
}

#[test]
fn the_same_job_taken_twice_is_found() {
    let mut journal = Journal::default();
    let take = "select id from jobs limit 1 for update skip locked";
    run(&mut journal, 1, take, &[], 1);
    assert_eq!(
        run(&mut journal, 2, take, &[], 1),
        [FindingKind::LockNotWaitedFor]
    );
}

#[test]
fn a_reference_to_a_row_that_is_not_committed_is_found() {
    let mut journal = Journal::default();
    assert!(journal.expects_references(1) && !journal.expects_references(1));
    journal.add_reference("parts".to_owned(), "wholes".to_owned());
    run(&mut journal, 1, "insert into wholes values ($1)", &[7], 1);
    for (value, is_found) in [(8, false), (7, true)] {
        let sql = "insert into parts values ($1)";
        let found = run(&mut journal, 2, sql, &[value], 1);
        assert_eq!(!found.is_empty(), is_found, "{value}");
    }
    let other = "insert into others values ($1)";
    assert!(run(&mut journal, 2, other, &[7], 1).is_empty());
    assert!(journal.expects_references(2));
    let again = "insert into parts (whole) values ($1)";
    assert!(run(&mut journal, 2, again, &[7], 1).is_empty());
}

#[test]
fn a_write_that_anothers_rollback_undoes_is_found() {
    let mut journal = Journal::default();
    run(&mut journal, 1, "insert into a values (1)", &[], 1);
    run(&mut journal, 2, "insert into b values (1)", &[], 1);
    let lost = journal.undone(1, 0, &Arc::from("rollback"));
    assert_eq!(lost.len(), 1);
    assert_eq!(
        (lost[0].kind, lost[0].second.0),
        (FindingKind::WriteLost, 2)
    );
}

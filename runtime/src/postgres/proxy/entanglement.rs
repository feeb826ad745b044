//! Where connections of a test met on the one backend, though production would have kept them apart.
//!
//! Known from the words of statements, the values bound to them, and the rows that they touched. So it is a
//! suspicion, which is raised only where a transaction was open that had written or locked the same table.

use std::{
    hash::{DefaultHasher, Hasher},
    rc::Rc,
    sync::Arc,
};

use super::{
    api::{ClientId, Finding, FindingKind},
    control::{Info, Verb},
};
use crate::observe::recording::Parameter;

/// So many writes are remembered while a transaction is open.
const ENTRIES: usize = 512;

/// So many findings are told of one test.
const FINDINGS: usize = 32;

/// A write or a lock.
#[derive(Debug)]
struct Entry {
    client: ClientId,
    sql: Arc<str>,
    info: Rc<Info>,
    values: Vec<u64>,
    is_committed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Vec<Entry>,
    found: Vec<Finding>,
    /// The tables with foreign keys and those that these lead to.
    references: Vec<(String, String)>,
    /// The generation of the schema that they are of.
    references_of: Option<u64>,
}

/// A statement that has been answered.
pub(super) struct Done<'a> {
    pub(super) client: ClientId,
    pub(super) sql: &'a Arc<str>,
    pub(super) info: &'a Rc<Info>,
    pub(super) values: Vec<u64>,
    pub(super) rows: Option<u64>,
}

impl Journal {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn end_test(&mut self) {
        self.entries.clear();
        self.found.clear();
    }

    /// Whether the foreign keys of this schema have to be read; they are expected then.
    pub(super) fn expects_references(&mut self, generation: u64) -> bool {
        if self.references_of.replace(generation) == Some(generation) {
            return false;
        }
        self.references.clear();
        true
    }

    pub(super) fn add_reference(&mut self, from: String, to: String) {
        self.references.push((from, to));
    }

    /// Looks at a statement; gives what it met.
    pub(super) fn observe(&mut self, done: Done<'_>) -> Vec<Finding> {
        let mut met = Vec::new();
        for entry in &self.entries {
            if entry.client == done.client || entry.is_committed {
                continue;
            }
            let kind = meets(entry, &done).or_else(|| self.refers(entry, &done));
            if let Some(kind) = kind {
                met.push(Finding {
                    kind,
                    first: (entry.client, Arc::clone(&entry.sql)),
                    second: (done.client, Arc::clone(done.sql)),
                });
            }
        }
        let writes = done.info.access.verb != Verb::Read && done.rows != Some(0);
        if writes && self.entries.len() < ENTRIES {
            self.entries.push(Entry {
                client: done.client,
                sql: Arc::clone(done.sql),
                info: Rc::clone(done.info),
                values: done.values,
                is_committed: false,
            });
        }
        self.new_ones(met)
    }

    /// A unique or foreign key violation: production would have waited for whoever has written one of the tables that it is about.
    pub(super) fn violated(&mut self, done: &Done<'_>, tables: &[&str]) -> Vec<Finding> {
        let others =
            self.entries.iter().filter(|entry| {
                let same_table =
                    entry.info.access.targets.iter().any(|t| {
                        done.info.access.targets.contains(t) || tables.contains(&t.as_str())
                    });
                entry.client != done.client && !entry.is_committed && same_table
            });
        let met = others.map(|entry| Finding {
            kind: FindingKind::LockNotWaitedFor,
            first: (entry.client, Arc::clone(&entry.sql)),
            second: (done.client, Arc::clone(done.sql)),
        });
        let met = met.collect();
        self.new_ones(met)
    }

    /// Whether a statement refers by a foreign key to a row that is not committed; production does not find it.
    fn refers(&self, entry: &Entry, done: &Done<'_>) -> Option<FindingKind> {
        let (first, second) = (&entry.info.access, &done.info.access);
        let writes = matches!(second.verb, Verb::Insert | Verb::Change) && done.rows != Some(0);
        if first.verb != Verb::Insert || !writes {
            return None;
        }
        let is_same_row = entry.values.iter().any(|value| done.values.contains(value));
        let leads = |(from, to): &(String, String)| {
            second.targets.contains(from) && first.targets.contains(to)
        };
        let refers = is_same_row && self.references.iter().any(leads);
        refers.then_some(FindingKind::ReadUncommitted)
    }

    /// A finding that is known by other means.
    pub(super) fn report(&mut self, finding: Finding) -> Vec<Finding> {
        self.new_ones(vec![finding])
    }

    /// What a client did in its transaction is committed.
    pub(super) fn committed(&mut self, client: ClientId) {
        for entry in self
            .entries
            .iter_mut()
            .filter(|entry| entry.client == client)
        {
            entry.is_committed = true;
        }
    }

    /// A client returned to a place; gives what others lose by it. `sql` is what made it return.
    pub(super) fn undone(
        &mut self,
        client: ClientId,
        length: usize,
        sql: &Arc<str>,
    ) -> Vec<Finding> {
        let gone: Vec<_> = self
            .entries
            .drain(length.min(self.entries.len())..)
            .collect();
        let lost = gone
            .iter()
            .filter(|entry| entry.client != client && entry.info.access.verb != Verb::Lock);
        let lost = lost.map(|entry| Finding {
            kind: FindingKind::WriteLost,
            first: (client, Arc::clone(sql)),
            second: (entry.client, Arc::clone(&entry.sql)),
        });
        let lost = lost.collect();
        self.new_ones(lost)
    }

    fn new_ones(&mut self, met: Vec<Finding>) -> Vec<Finding> {
        let mut new = Vec::new();
        for finding in met {
            if self.found.len() < FINDINGS && !self.found.contains(&finding) {
                self.found.push(finding.clone());
                new.push(finding);
            }
        }
        new
    }
}

fn meets(entry: &Entry, done: &Done<'_>) -> Option<FindingKind> {
    let (first, second) = (&entry.info.access, &done.info.access);
    let shared = first
        .targets
        .iter()
        .any(|target| second.tables.contains(target));
    if !shared {
        return None;
    }
    // Two statements about rows that are given by different values leave each other alone.
    let apart = !entry.values.is_empty()
        && !done.values.is_empty()
        && !entry.values.iter().any(|value| done.values.contains(value));
    if apart && !second.skips_locked {
        return None;
    }
    let touched = done.rows != Some(0);
    match (first.verb, second.verb) {
        (Verb::Lock | Verb::Change, Verb::Lock | Verb::Change) if touched => {
            Some(FindingKind::LockNotWaitedFor)
        }
        (Verb::Insert, Verb::Lock | Verb::Change | Verb::Read) if touched => {
            Some(FindingKind::ReadUncommitted)
        }
        // What is gone matters, too.
        (Verb::Change, Verb::Read) => Some(FindingKind::ReadUncommitted),
        // `INSERT … SELECT` from the table itself.
        (Verb::Insert | Verb::Change, Verb::Insert) => {
            reads_itself(done).then_some(FindingKind::ReadUncommitted)
        }
        _ => None,
    }
}

fn reads_itself(done: &Done<'_>) -> bool {
    let access = &done.info.access;
    access.targets.first().is_some_and(|target| {
        access
            .tables
            .iter()
            .filter(|table| *table == target)
            .count()
            > 1
    })
}

/// Values that tell rows apart, as numbers; what is short tells nothing.
pub(super) fn hash_parameters(parameters: &[Parameter]) -> Vec<u64> {
    let values = parameters
        .iter()
        .filter_map(|parameter| parameter.value.as_deref());
    values.filter_map(hash).take(64).collect()
}

/// A value as a number, the same for a number in its short and its long form.
pub(super) fn hash(value: &[u8]) -> Option<u64> {
    let start = value
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(value.len());
    let value = &value[start..];
    if value.is_empty() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(value);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
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
        let info = Rc::new(recognize(sql, &tokens(sql, false)));
        let found = journal.observe(Done {
            client,
            sql: &Arc::from(sql),
            info: &info,
            values: values.to_vec(),
            rows: Some(rows),
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
}

//! Where connections of a test met on the one backend, though production would have kept them
//! apart.
//!
//! Known from the words of statements, the values bound to them, and the rows that they touched. So
//! it is a suspicion, which is raised only where a transaction was open that had written or locked
//! the same table.

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

/// The most writes that are remembered while a transaction is open.
const ENTRIES: usize = 512;

/// The most findings of one test that are reported.
const FINDINGS: usize = 32;

/// A write or a lock.
#[derive(Debug)]
struct Entry {
    client: ClientId,
    sql: Arc<str>,
    info: Rc<Info>,
    values: Vec<u64>,
    is_counted: bool,
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
    /// Whether `rows` are those that it wrote. A `SELECT` around a `WITH` that writes has its own.
    pub(super) is_counted: bool,
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
                is_counted: done.is_counted,
                is_committed: false,
            });
        }
        self.new_ones(met)
    }

    /// A unique or foreign key violation: production would have waited for the transaction that has
    /// written one of its tables.
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

    /// Whether a statement refers by a foreign key to a row that is not committed; production does
    /// not find it.
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
            let is_counted = entry.is_counted && done.is_counted;
            Some(if is_counted {
                FindingKind::LockNotWaitedFor
            } else {
                FindingKind::LockPerhapsNotWaitedFor
            })
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
mod tests;

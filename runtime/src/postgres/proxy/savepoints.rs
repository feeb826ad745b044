//! The one stack of savepoints of the backend, for all clients.

use std::rc::Rc;

use super::{api::ClientId, client::Pending, settings::Settings};

/// Who owns marks of the harness.
pub(super) const HARNESS: ClientId = 0;

/// What a savepoint stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum SavepointKind {
    /// In front of what a client does outside of a transaction, or below another client's
    /// savepoint.
    Hidden,
    /// The beginning of a virtual transaction.
    Transaction,
    /// A savepoint of the client, by its name.
    Named(String),
    /// A transaction that its owner has rolled back while another client had the backend.
    RolledBack,
    /// A place that the harness returns to.
    Mark(u32),
}

/// A savepoint on the backend, and what a return to it brings back.
#[derive(Clone, Debug)]
pub(super) struct Savepoint {
    pub(super) number: u64,
    pub(super) owner: ClientId,
    pub(super) kind: SavepointKind,
    /// Its owner is done with it; it is released when nobody's is above it.
    pub(super) is_over: bool,
    /// The owner's settings.
    pub(super) session: Settings,
    pub(super) pending: Rc<Pending>,
    /// The backend's settings.
    pub(super) applied: Settings,
    /// How long the journal of writes was.
    pub(super) journal: usize,
    /// The number of the next advisory lock.
    pub(super) advisory: u64,
    pub(super) generation: u64,
}

/// The savepoints, the oldest first.
#[derive(Default, Debug)]
pub(super) struct Stack {
    all: Vec<Savepoint>,
    count: u64,
}

impl Stack {
    pub(super) fn next_number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(super) fn push(&mut self, savepoint: Savepoint, sql: &mut String) {
        set(sql, savepoint.number);
        self.all.push(savepoint);
    }

    pub(super) fn top(&self) -> Option<&Savepoint> {
        self.all.last()
    }

    pub(super) fn top_mut(&mut self) -> Option<&mut Savepoint> {
        self.all.last_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Savepoint> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Savepoint> {
        self.all.iter_mut()
    }

    /// Whose open transaction is on top.
    pub(super) fn holder(&self) -> Option<ClientId> {
        let open = |savepoint: &&Savepoint| {
            !savepoint.is_over
                && matches!(
                    savepoint.kind,
                    SavepointKind::Transaction | SavepointKind::Named(_)
                )
        };
        self.all
            .iter()
            .rev()
            .find(open)
            .map(|savepoint| savepoint.owner)
    }

    /// The innermost savepoint of a client.
    pub(super) fn innermost(&self, owner: ClientId) -> Option<usize> {
        self.all
            .iter()
            .rposition(|savepoint| savepoint.owner == owner && !savepoint.is_over)
    }

    pub(super) fn transaction(&self, owner: ClientId) -> Option<usize> {
        self.find(owner, |kind| *kind == SavepointKind::Transaction)
    }

    pub(super) fn named(&self, owner: ClientId, name: &str) -> Option<usize> {
        self.find(
            owner,
            |kind| matches!(kind, SavepointKind::Named(known) if known == name),
        )
    }

    /// Marks a client's transaction as rolled back, for the backend to return to later.
    pub(super) fn roll_back_later(&mut self, owner: ClientId) -> Option<&Savepoint> {
        let at = self.transaction(owner)?;
        self.all[at].kind = SavepointKind::RolledBack;
        let own = self.all[at + 1..].iter_mut();
        for inner in own.filter(|inner| inner.owner == owner) {
            inner.is_over = true;
        }
        self.all.get(at)
    }

    /// The innermost transaction that the backend is still to return from.
    pub(super) fn rolled_back(&self) -> Option<usize> {
        self.all
            .iter()
            .rposition(|savepoint| savepoint.kind == SavepointKind::RolledBack)
    }

    pub(super) fn mark(&self, number: u32) -> Option<usize> {
        self.find(HARNESS, |kind| *kind == SavepointKind::Mark(number))
    }

    fn find(&self, owner: ClientId, fits: impl Fn(&SavepointKind) -> bool) -> Option<usize> {
        self.all.iter().rposition(|savepoint| {
            savepoint.owner == owner && !savepoint.is_over && fits(&savepoint.kind)
        })
    }

    /// Returns to a savepoint, which stays; what others have above it is set anew, as it would be
    /// at that place.
    pub(super) fn back_to(&mut self, at: usize, sql: &mut String) -> Savepoint {
        let above = self.all.split_off(at + 1);
        let here = self.all[at].clone();
        sql.push_str("rollback to savepoint s");
        sql.push_str(&here.number.to_string());
        sql.push(';');
        for mut savepoint in above {
            if savepoint.owner != here.owner && !savepoint.is_over {
                set(sql, savepoint.number);
                savepoint.applied = Rc::clone(&here.applied);
                savepoint.journal = here.journal;
                self.all.push(savepoint);
            }
        }
        here
    }

    /// Gives up a savepoint, and what its owner has above it. Below somebody else's it is only
    /// marked.
    pub(super) fn give_up(&mut self, at: usize, sql: &mut String) {
        let owner = self.all[at].owner;
        if self.all[at + 1..]
            .iter()
            .any(|above| above.owner != owner && !above.is_over)
        {
            for savepoint in self.all[at..]
                .iter_mut()
                .filter(|above| above.owner == owner)
            {
                savepoint.is_over = true;
            }
        } else {
            release(sql, self.all[at].number);
            self.all.truncate(at);
        }
        while let Some(last) = self.all.pop_if(|last| last.is_over) {
            release(sql, last.number);
        }
    }
}

fn set(sql: &mut String, number: u64) {
    sql.push_str("savepoint s");
    sql.push_str(&number.to_string());
    sql.push(';');
}

fn release(sql: &mut String, number: u64) {
    sql.push_str("release savepoint s");
    sql.push_str(&number.to_string());
    sql.push(';');
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{Savepoint, SavepointKind, Stack};

    fn stack(owners: &[u32]) -> Stack {
        let mut stack = Stack::default();
        for owner in owners {
            let savepoint = Savepoint {
                number: stack.next_number(),
                owner: *owner,
                kind: SavepointKind::Transaction,
                is_over: false,
                session: Rc::default(),
                pending: Rc::default(),
                applied: Rc::default(),
                journal: 0,
                advisory: 0,
                generation: 0,
            };
            stack.push(savepoint, &mut String::new());
        }
        stack
    }

    #[test]
    fn a_commit_below_anothers_savepoint_is_released_later() {
        let (mut stack, mut sql) = (stack(&[1, 2]), String::new());
        stack.give_up(0, &mut sql);
        assert_eq!((sql.as_str(), stack.len()), ("", 2));
        stack.give_up(1, &mut sql);
        assert_eq!(
            (sql.as_str(), stack.len()),
            ("release savepoint s2;release savepoint s1;", 0)
        );
    }

    #[test]
    fn a_rollback_below_anothers_savepoint_sets_it_again() {
        let (mut stack, mut sql) = (stack(&[1, 2, 1]), String::new());
        stack.back_to(0, &mut sql);
        assert_eq!(sql, "rollback to savepoint s1;savepoint s2;");
        assert_eq!(stack.len(), 2);
    }
}

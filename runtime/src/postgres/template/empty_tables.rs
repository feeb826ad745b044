//! The tables that the migrations and the seed have left empty.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The tables without a row that are known so far, by their object ids, which a clone shares with
/// its template.
#[derive(Default)]
pub(crate) struct EmptyTables(Mutex<BTreeSet<u32>>);

impl EmptyTables {
    /// Adds what a clone has shown.
    pub(crate) fn add(&self, tables: &BTreeSet<u32>) {
        self.known().extend(tables);
    }

    pub(crate) fn contains(&self, table: u32) -> bool {
        self.known().contains(&table)
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

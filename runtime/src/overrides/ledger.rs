//! What was set during a test, and what its application asked for.

use std::{
    any::{TypeId, type_name},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::entry::Record;
use crate::overridable::{Lookups, SeesLookups};

/// The account of one test, also carried by each of its requests.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Book>);

#[derive(Default)]
struct Book {
    application_is_built: AtomicBool,
    requests: AtomicUsize,
    pages: Mutex<Pages>,
}

/// What was set and what was asked for, each in its order.
#[derive(Default)]
pub(super) struct Pages {
    pub(super) lines: Vec<Line>,
    pub(super) asked: Vec<Asked>,
}

/// One override that was set.
pub(super) struct Line {
    pub(super) record: Arc<Record>,
    /// Who had asked for its type before it was set.
    pub(super) asked_before: Option<Asker>,
}

/// One type that the application asked for, whether it was set or not.
pub(super) struct Asked {
    pub(super) type_id: TypeId,
    pub(super) type_name: &'static str,
    pub(super) by: Asker,
}

/// A part of the application that asks whether a test has set something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asker {
    State,
    Extractor,
}

impl Book {
    fn asked_for(&self, type_id: TypeId, type_name: &'static str, by: Asker) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |asked: &Asked| asked.type_id == type_id && asked.by == by;
        if !pages.asked.iter().any(is_known) {
            pages.asked.push(Asked {
                type_id,
                type_name,
                by,
            });
        }
    }
}

impl SeesLookups for Book {
    fn looked_up(&self, type_id: TypeId, type_name: &'static str) {
        self.asked_for(type_id, type_name, Asker::Extractor);
    }
}

impl Ledger {
    pub(super) fn enter(&self, record: &Arc<Record>) {
        let mut pages = self.pages();
        let before = pages.asked.iter().filter(|a| a.type_id == record.type_id);
        // The first one: a state is built before the requests that it answers.
        let asked_before = before.map(|asked| asked.by).next();
        let record = Arc::clone(record);
        pages.lines.push(Line {
            record,
            asked_before,
        });
    }

    pub(super) fn asked_for<T: 'static>(&self, by: Asker) {
        self.0.asked_for(TypeId::of::<T>(), type_name::<T>(), by);
    }

    /// What extractors find in the extensions of a request.
    pub(super) fn lookups(&self) -> Lookups {
        Lookups(Arc::clone(&self.0) as _)
    }

    pub(super) fn application_is_built(&self) {
        self.0.application_is_built.store(true, Ordering::Relaxed);
    }

    pub(super) fn request_begins(&self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the account of one request to its test's.
    pub(super) fn hand_over(&self, test: &Self) {
        let lines = mem::take(&mut self.pages().lines);
        for line in lines {
            test.enter(&line.record);
        }
    }

    /// How many requests were sent, if the application was built.
    pub(super) fn requests(&self) -> Option<usize> {
        let application_is_built = self.0.application_is_built.load(Ordering::Relaxed);
        application_is_built.then(|| self.0.requests.load(Ordering::Relaxed))
    }

    pub(super) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What was set during a test, and what its application asked for.

use std::{
    any::{TypeId, type_name},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use http::request::Parts;

use super::{entry::Record, unasked::Unasked};

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

/// An extractor looks whether a test has set its value.
pub(crate) fn extractor_asks<T: 'static>(parts: &Parts) {
    if let Some(ledger) = parts.extensions.get::<Ledger>() {
        ledger.asked_for::<T>(Asker::Extractor);
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
        let type_id = TypeId::of::<T>();
        let mut pages = self.pages();
        if !pages
            .asked
            .iter()
            .any(|asked| asked.type_id == type_id && asked.by == by)
        {
            pages.asked.push(Asked {
                type_id,
                type_name: type_name::<T>(),
                by,
            });
        }
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

    pub(super) fn unasked(&self) -> Unasked {
        let application_is_built = self.0.application_is_built.load(Ordering::Relaxed);
        let requests = self.0.requests.load(Ordering::Relaxed);
        let requests = application_is_built.then_some(requests);
        Unasked::of(&self.pages(), requests)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

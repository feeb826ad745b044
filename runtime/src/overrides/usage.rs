//! The usage log of a test: the overrides that were set, and the types that its application looked
//! up.

use std::{
    any::{TypeId, type_name},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::entry::Record;
use crate::overridable::{Lookups, SeesLookups};

/// The usage log of one test; each of its requests carries it, too.
#[derive(Clone, Default)]
pub(crate) struct UsageLog(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<Usage>);

/// What happened in a test, each list in its order.
#[derive(Default)]
pub(super) struct Usage {
    pub(super) overrides: Vec<LoggedOverride>,
    pub(super) lookups: Vec<Lookup>,
    /// How many requests the application got; none until it is built.
    pub(super) requests: Option<usize>,
}

/// One override that was set.
pub(super) struct LoggedOverride {
    pub(super) record: Arc<Record>,
    /// What had looked up its type before it was set.
    pub(super) looked_up_before: Option<Reader>,
}

/// One type that the application looked up, whether or not it was set.
pub(super) struct Lookup {
    pub(super) type_id: TypeId,
    pub(super) type_name: &'static str,
    pub(super) by: Reader,
}

/// A part of the application that reads overrides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reader {
    State,
    Extractor,
}

impl UsageLog {
    pub(super) fn add(&self, record: Arc<Record>) {
        self.usage().add(record);
    }

    pub(super) fn looked_up<T: 'static>(&self, by: Reader) {
        let (type_id, type_name) = (TypeId::of::<T>(), type_name::<T>());
        self.usage().looked_up(type_id, type_name, by);
    }

    /// What extractors report their lookups to; it is put into the extensions of each request.
    pub(super) fn lookups(&self) -> Lookups {
        Lookups(Arc::clone(&self.0) as _)
    }

    pub(super) fn application_is_built(&self) {
        self.usage().requests.get_or_insert(0);
    }

    pub(super) fn request_begins(&self) {
        if let Some(requests) = &mut self.usage().requests {
            *requests += 1;
        }
    }

    /// Moves the overrides of one request to the log of its test.
    pub(super) fn move_overrides_to(&self, test: &Self) {
        let overrides = mem::take(&mut self.usage().overrides);
        for logged in overrides {
            test.add(logged.record);
        }
    }

    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        self.0.usage()
    }
}

impl Shared {
    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SeesLookups for Shared {
    fn looked_up(&self, type_id: TypeId, type_name: &'static str) {
        self.usage()
            .looked_up(type_id, type_name, Reader::Extractor);
    }
}

impl Usage {
    fn add(&mut self, record: Arc<Record>) {
        let mut lookups = self.lookups.iter();
        // The first lookup counts: the state is built before any request is answered.
        let before = lookups.find(|lookup| lookup.type_id == record.type_id);
        self.overrides.push(LoggedOverride {
            looked_up_before: before.map(|lookup| lookup.by),
            record,
        });
    }

    fn looked_up(&mut self, type_id: TypeId, type_name: &'static str, by: Reader) {
        let is_known = |lookup: &Lookup| lookup.type_id == type_id && lookup.by == by;
        if !self.lookups.iter().any(is_known) {
            self.lookups.push(Lookup {
                type_id,
                type_name,
                by,
            });
        }
    }
}

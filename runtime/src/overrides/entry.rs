//! One override: its value, its effect on requests, and how often it was used.

use std::{
    any::{Any, TypeId, type_name},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Extensions;

/// Where an override was set. A later layer has precedence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Layer {
    Session,
    Attribute,
    #[default]
    Test,
    Request,
}

/// One override with its effects.
pub(super) struct Entry {
    pub(super) record: Arc<Record>,
    /// The value for the application's state.
    pub(super) value: Option<Box<dyn Any + Send + Sync>>,
    /// Puts the override into the extensions of a request; an entry without it only hides another
    /// one.
    insert: Option<InsertFn>,
}

type InsertFn = Box<dyn Fn(&mut Extensions) + Send + Sync>;

/// The facts about an override that the usage log needs, also when another one has replaced it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) type_id: TypeId,
    pub(super) type_name: &'static str,
    pub(super) layer: Layer,
    /// Nothing has to read it.
    pub(super) is_optional: bool,
    /// It was set by a method that only accepts `#[overridable]` extractors.
    pub(super) is_of_extractor: bool,
    reads: AtomicUsize,
    requests: AtomicUsize,
}

impl Entry {
    /// An entry without effects.
    pub(super) fn new<T: 'static>(layer: Layer, is_optional: bool, is_of_extractor: bool) -> Self {
        let record = Record {
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            layer,
            is_optional,
            is_of_extractor,
            reads: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        };
        Self {
            record: Arc::new(record),
            value: None,
            insert: None,
        }
    }

    pub(super) fn insert_by(&mut self, insert: impl Fn(&mut Extensions) + Send + Sync + 'static) {
        self.insert = Some(Box::new(insert));
    }

    /// The value for the application's state.
    pub(super) fn value<T: Clone + 'static>(&self) -> Option<T> {
        self.value.as_ref()?.downcast_ref().cloned()
    }

    /// Puts the override into the extensions of a request.
    pub(super) fn put_into(&self, extensions: &mut Extensions) {
        self.record.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(insert) = &self.insert {
            insert(extensions);
        }
    }

    pub(super) fn only_hides(&self) -> bool {
        self.insert.is_none()
    }
}

impl Record {
    /// Counts that the application got the value.
    pub(super) fn was_read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_read(&self) -> bool {
        self.reads.load(Ordering::Relaxed) > 0
    }

    /// Whether a request carried it to the application.
    pub(super) fn is_in_a_request(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }
}

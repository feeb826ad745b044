//! One override, and what is remembered of it.

use std::{
    any::{Any, TypeId, type_name},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Extensions;

/// Who set an override. A later layer wins.
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
    /// What the state is given.
    pub(super) value: Option<Box<dyn Any + Send + Sync>>,
    /// What a request is given.
    pub(super) put: Put,
}

/// The effect of an override on a request, if it has one.
#[derive(Default)]
pub(super) struct Put(Option<PutFn>);

type PutFn = Box<dyn Fn(&mut Extensions) + Send + Sync>;

/// What is remembered of an override, also when another one has replaced it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) type_id: TypeId,
    pub(super) type_name: &'static str,
    pub(super) layer: Layer,
    /// It need not be asked for.
    pub(super) optional: bool,
    /// It can only have been set because `#[overridable]` marks an extractor of its type.
    pub(super) of_extractor: bool,
    uses: AtomicUsize,
    offers: AtomicUsize,
}

impl Entry {
    pub(super) fn new<T: 'static>(layer: Layer, optional: bool, of_extractor: bool) -> Self {
        let record = Record {
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            layer,
            optional,
            of_extractor,
            uses: AtomicUsize::new(0),
            offers: AtomicUsize::new(0),
        };
        Self {
            record: Arc::new(record),
            value: None,
            put: Put::default(),
        }
    }

    pub(super) fn value<T: Clone + 'static>(&self) -> Option<T> {
        self.value.as_ref()?.downcast_ref().cloned()
    }

    /// Whether it is there for nothing but to hide another one.
    pub(super) fn only_hides(&self) -> bool {
        self.put.0.is_none()
    }
}

impl Put {
    pub(super) fn by(put: impl Fn(&mut Extensions) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(put)))
    }

    pub(super) fn fill(&self, extensions: &mut Extensions) {
        if let Some(put) = &self.0 {
            put(extensions);
        }
    }
}

impl Record {
    /// Somebody asked for the value and got it.
    pub(super) fn was_asked_for(&self) {
        self.uses.fetch_add(1, Ordering::Relaxed);
    }

    /// A request came by that could have asked for it.
    pub(super) fn was_offered(&self) {
        self.offers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_used(&self) -> bool {
        self.uses.load(Ordering::Relaxed) > 0
    }

    pub(super) fn is_offered(&self) -> bool {
        self.offers.load(Ordering::Relaxed) > 0
    }
}

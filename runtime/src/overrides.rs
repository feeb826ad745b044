//! The typed map of what a test puts in the place of parts of its application.

mod answer;
mod effect;
mod entry;
mod ledger;
mod one_request;
mod unasked;

use std::{
    any::TypeId,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use self::{
    answer::IntoAnswer,
    one_request::{OverrideRequest, Overriding},
};
pub(crate) use self::{entry::Layer, unasked::Unasked};
use self::{
    entry::{Entry, Put},
    ledger::Ledger,
};
use crate::overridable::Supplied;

/// Replacements for parts of the application, one value per type, for the length of one test.
///
/// A value that is [`set`](Self::set) takes effect in three ways:
///
/// 1. **State**: the session's `app` function asks for it with
///    [`TestContext::overridden_or`](crate::TestContext::overridden_or) while it builds the state.
/// 2. **Extension**: it is put into the extensions of every request, where axum's `Extension<T>`
///    and extractors of the application that look there find it.
/// 3. **Extractor**: an extractor marked [`#[overridable]`](crate::overridable) returns it
///    without looking at the request.
///
/// The session's overrides are set first, then those of the test's attribute, then those that the
/// test sets on this handle, which take effect at the next request, and last those of
/// [one request](OverrideRequest). A later one replaces an earlier one of the same type. All of
/// them end with the test; nothing is global.
///
/// An override that a test set and that nothing ever asked for is reported, whether the test passes
/// or not: what it was meant for may have another name by now. Those of the session need not be
/// asked for, nor do [`extension`](Self::extension)s, whose use cannot be seen, nor what is set
/// on an [`optional`](Self::optional) handle.
///
/// The handle is cheap to clone, and every clone is the same map.
#[derive(Clone, Default)]
pub struct Overrides {
    entries: Arc<Mutex<Entries>>,
    ledger: Ledger,
    layer: Layer,
    optional: bool,
}

/// What is set now. An entry of one request may be there only to hide what is set beneath it.
type Entries = HashMap<TypeId, Arc<Entry>>;

impl Overrides {
    /// Sets the value that stands in for type `T`, in all three ways.
    ///
    /// ```
    /// # use db_test::Overrides;
    /// #[derive(Clone)]
    /// struct Greeting(&'static str);
    ///
    /// fn politely(overrides: &Overrides) {
    ///     overrides.set(Greeting("good day"));
    /// }
    /// # politely(&Overrides::default());
    /// ```
    ///
    /// For a value that a plain `Extension<T>` alone reads, call [`extension`](Self::extension).
    pub fn set<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let mut entry = self.entry::<T>(false);
        let record = Arc::clone(&entry.record);
        entry.value = Some(Box::new(value.clone()));
        let extracted = value.clone();
        let supplied = Supplied::by(move |_| {
            record.was_asked_for();
            extracted.clone()
        });
        entry.put = Put::by(move |extensions| {
            extensions.insert(value.clone());
            extensions.insert(supplied.clone());
        });
        self.insert::<T>(entry);
    }

    /// Puts a value into the extensions of every request, and does nothing else.
    ///
    /// Nobody can see whether a handler's `Extension<T>` reads it, so it is never reported as not
    /// asked for. A layer inside the application that puts a `T` there itself comes later and wins.
    pub fn extension<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let mut entry = self.optional().entry::<T>(false);
        entry.put = Put::by(move |extensions| {
            extensions.insert(value.clone());
        });
        self.insert::<T>(entry);
    }

    /// A handle to the same map whose overrides need not be asked for.
    ///
    /// For functions and arguments that many tests share, and that set more than each of them
    /// needs:
    ///
    /// ```
    /// # use db_test::Overrides;
    /// # #[derive(Clone)] struct Locale(&'static str);
    /// fn in_welsh(overrides: &Overrides) {
    ///     overrides.optional().set(Locale("cy"));
    /// }
    /// # in_welsh(&Overrides::default());
    /// ```
    #[must_use = "only what is set on the handle it returns need not be asked for"]
    pub fn optional(&self) -> Self {
        Self {
            optional: true,
            ..self.clone()
        }
    }

    /// The value [`set`](Self::set) for type `T`, if there is one; the application's asking is not
    /// counted here, but by [`TestContext::overridden`](crate::TestContext::overridden).
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let entry = self.lock().get(&TypeId::of::<T>()).cloned()?;
        entry.value()
    }

    /// Removes what was set for type `T`, so that the application's own is used again; for one
    /// request, also hides what is set for the whole test.
    ///
    /// Returns whether there was something to remove on this handle.
    pub fn remove<T: 'static>(&self) -> bool {
        let removed = if self.layer == Layer::Request {
            let hiding = self.optional().entry::<T>(false);
            self.lock().insert(TypeId::of::<T>(), Arc::new(hiding))
        } else {
            self.lock().remove(&TypeId::of::<T>())
        };
        removed.is_some_and(|entry| !entry.only_hides())
    }

    /// An entry of this layer that has no effect yet.
    fn entry<T: 'static>(&self, of_extractor: bool) -> Entry {
        Entry::new::<T>(self.layer, self.optional, of_extractor)
    }

    fn insert<T: 'static>(&self, entry: Entry) {
        self.ledger.enter(&entry.record);
        // The old value is dropped when the lock is no longer held: its drop is the user's code.
        let old = self.lock().insert(TypeId::of::<T>(), Arc::new(entry));
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Overrides {
    /// Lists the types, not the values: those may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.lock();
        let shown = entries.values().filter(|entry| !entry.only_hides());
        f.debug_list()
            .entries(shown.map(|entry| entry.record.type_name))
            .finish()
    }
}

//! Overrides: values that replace parts of the application during one test, one per type.

mod answer;
mod application;
mod entry;
mod one_request;
mod unused;
mod usage;

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
use self::{entry::Entry, usage::UsageLog};
pub(crate) use self::{entry::Layer, unused::UnusedOverrides};
use crate::overridable::Supplied;

/// Values that replace parts of the application during one test, one per type.
///
/// Take it as an argument of a test, to replace what the test needs under its own control: the
/// signed-in user, the clock, a client of another service. A value that is [`set`](Self::set) takes
/// effect in three ways:
///
/// 1. **State**: the session's `app` function reads it with
///    [`TestContext::overridden_or`](crate::TestContext::overridden_or) while it builds the state.
/// 2. **Extension**: it is put into the extensions of every request, where axum's `Extension<T>`
///    and the application's own extractors find it.
/// 3. **Extractor**: an extractor marked [`#[overridable]`](crate::overridable) returns it
///    without looking at the request.
///
/// Precedence, lowest first: the session's overrides, those of the test's attribute, those that the
/// test sets on this handle, which take effect at the next request, and those of
/// [one request](OverrideRequest). All of them end with the test; nothing is global.
///
/// An override that the application never reads is reported, whether the test passes or not: the
/// type was probably renamed. Not reported are the session's overrides,
/// [`extension`](Self::extension)s, whose use cannot be seen, and what is set on an
/// [`optional`](Self::optional) handle.
///
/// The handle is cheap to clone; every clone refers to the same overrides.
///
/// ```no_run
/// # use db_test::{Client, Overrides};
/// # #[derive(Clone)] struct Clock(&'static str);
/// # async fn example(client: Client, overrides: Overrides) {
/// overrides.set(Clock("2030-01-01T00:00:00Z"));
/// client.get("/invoices/overdue").await.assert_status_ok();
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Overrides {
    entries: Arc<Mutex<Entries>>,
    usage: UsageLog,
    layer: Layer,
    is_optional: bool,
}

/// The overrides in effect. An entry of one request may be there only to hide one of the whole
/// test.
type Entries = HashMap<TypeId, Arc<Entry>>;

impl Overrides {
    /// Sets the value that replaces type `T`: in the state, in extensions and in extractors.
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
    /// For a value that only a plain `Extension<T>` reads, call [`extension`](Self::extension).
    pub fn set<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let mut entry = self.entry::<T>(false);
        let record = Arc::clone(&entry.record);
        entry.value = Some(Box::new(value.clone()));
        let extracted = value.clone();
        let supplied = Supplied::by(move |_| {
            record.was_read();
            extracted.clone()
        });
        entry.insert_by(move |extensions| {
            extensions.insert(value.clone());
            extensions.insert(supplied.clone());
        });
        self.insert::<T>(entry);
    }

    /// Puts a value into the extensions of every request, and does nothing else.
    ///
    /// Whether a handler's `Extension<T>` reads it cannot be seen, so it is never reported as
    /// unused. A layer of the application that inserts a `T` itself runs later and has precedence.
    pub fn extension<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let mut entry = self.optional().entry::<T>(false);
        entry.insert_by(move |extensions| {
            extensions.insert(value.clone());
        });
        self.insert::<T>(entry);
    }

    /// A handle to the same overrides that are not reported if the application never reads them.
    ///
    /// Use it in functions and arguments that many tests share, and that set more than each of them
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
    #[must_use = "only what is set on the returned handle is optional"]
    pub fn optional(&self) -> Self {
        Self {
            is_optional: true,
            ..self.clone()
        }
    }

    /// The value [`set`](Self::set) for type `T`, if there is one.
    ///
    /// It does not count as a use. In a session's `app` function, call
    /// [`TestContext::overridden`](crate::TestContext::overridden) instead.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let entry = self.lock().get(&TypeId::of::<T>()).cloned()?;
        entry.value()
    }

    /// Removes the override of type `T`, so that the application uses its own value again; on the
    /// handle of one request, hides the override of the whole test.
    ///
    /// Returns whether an override was removed.
    pub fn remove<T: 'static>(&self) -> bool {
        let removed = if self.layer == Layer::Request {
            let hiding = self.optional().entry::<T>(false);
            self.lock().insert(TypeId::of::<T>(), Arc::new(hiding))
        } else {
            self.lock().remove(&TypeId::of::<T>())
        };
        removed.is_some_and(|entry| !entry.only_hides())
    }

    /// An entry of this layer, without effects.
    fn entry<T: 'static>(&self, is_of_extractor: bool) -> Entry {
        Entry::new::<T>(self.layer, self.is_optional, is_of_extractor)
    }

    fn insert<T: 'static>(&self, entry: Entry) {
        self.usage.add(Arc::clone(&entry.record));
        // Dropped without the lock: the drop of a value is the user's code.
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

//! The typed map of what a test puts in the place of parts of its application.

mod answer;
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

use axum::extract::Request;
use http::request::Parts;

pub use self::{
    answer::IntoAnswer,
    one_request::{OverrideRequest, Overriding},
};
pub(crate) use self::{entry::Layer, ledger::extractor_asks, unasked::Unasked};
use self::{
    entry::{Entry, Put},
    ledger::{Asker, Ledger},
};
use crate::{
    Overridable,
    overridable::{Answered, Supplied},
};

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
        entry.put = Put::by(move |extensions| {
            let (record, supplied) = (Arc::clone(&record), value.clone());
            extensions.insert(value.clone());
            extensions.insert(Supplied::by(move |_| {
                record.was_asked_for();
                supplied.clone()
            }));
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

    /// Makes the overridable extractor `T` return what a closure makes of each request: a `T`, or a
    /// `Result<T, T::Rejection>`.
    ///
    /// ```
    /// # use axum::{extract::FromRequestParts, http::{StatusCode, request::Parts}};
    /// # use db_test::Overrides;
    /// struct CurrentUser(String);
    /// # #[db_test::overridable]
    /// # impl<S: Sync> FromRequestParts<S> for CurrentUser {
    /// #     type Rejection = StatusCode;
    /// #     async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
    /// #         Err(StatusCode::UNAUTHORIZED)
    /// #     }
    /// # }
    ///
    /// fn named_by_the_path(overrides: &Overrides) {
    ///     overrides.set_with(|parts| CurrentUser(parts.uri.path().replace('/', "")));
    /// }
    /// # named_by_the_path(&Overrides::default());
    /// ```
    ///
    /// An extractor that is not marked cannot be replaced, which the compiler says:
    ///
    /// ```compile_fail,E0277
    /// # use db_test::Overrides;
    /// struct Unmarked;
    ///
    /// fn in_vain(overrides: &Overrides) {
    ///     overrides.set_with::<Unmarked, _>(|_| Unmarked);
    /// }
    /// ```
    pub fn set_with<T, A>(&self, make: impl Fn(&Parts) -> A + Send + Sync + 'static)
    where
        T: Overridable,
        A: IntoAnswer<T>,
    {
        self.answer::<T, _>(move |parts| std::future::ready(make(parts).into_answer()));
    }

    /// The same with a closure that returns a future, which may ask the database.
    ///
    /// The future cannot borrow from the request: take what it needs before `async move`.
    pub fn set_with_async<T, A, F>(&self, make: impl Fn(&Parts) -> F + Send + Sync + 'static)
    where
        T: Overridable,
        A: IntoAnswer<T>,
        F: Future<Output = A> + Send + 'static,
    {
        self.answer::<T, _>(move |parts| {
            let making = make(parts);
            async { making.await.into_answer() }
        });
    }

    /// Makes the overridable extractor `T` refuse every request with a rejection.
    pub fn reject<T: Overridable>(
        &self,
        rejection: impl Fn() -> T::Rejection + Send + Sync + 'static,
    ) {
        self.reject_with::<T>(move |_| rejection());
    }

    /// The same with a rejection that depends on the request.
    pub fn reject_with<T: Overridable>(
        &self,
        rejection: impl Fn(&Parts) -> T::Rejection + Send + Sync + 'static,
    ) {
        self.answer::<T, _>(move |parts| std::future::ready(Err(rejection(parts))));
    }

    /// A handle to the same map whose overrides need not be asked for.
    ///
    /// For functions and arguments that many tests share, and that set more than each of them
    /// needs.
    #[must_use = "only what is set on the handle it returns need not be asked for"]
    pub fn optional(&self) -> Self {
        Self {
            optional: true,
            ..self.clone()
        }
    }

    /// The value [`set`](Self::set) for type `T`, if there is one.
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

    /// The same map, as a layer sets it.
    pub(crate) fn at(&self, layer: Layer) -> Self {
        Self {
            layer,
            ..self.clone()
        }
    }

    /// The value for a part of the state that is being built.
    pub(crate) fn asked_for_state<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.ledger.asked_for::<T>(Asker::State);
        let entry = self.lock().get(&TypeId::of::<T>()).cloned()?;
        let value = entry.value();
        if value.is_some() {
            entry.record.was_asked_for();
        }
        value
    }

    /// Remembers that the application is there from now on.
    pub(crate) fn application_is_built(&self) {
        self.ledger.application_is_built();
    }

    /// Puts every value into a request's extensions.
    pub(crate) fn apply(&self, mut request: Request) -> Request {
        self.ledger.request_begins();
        let mut entries = self.lock().clone();
        for overrides in one_request::in_force() {
            overrides.ledger.hand_over(&self.ledger);
            entries.extend(overrides.lock().clone());
        }
        let extensions = request.extensions_mut();
        extensions.insert(self.ledger.clone());
        for entry in entries.values() {
            entry.record.was_offered();
            entry.put.fill(extensions);
        }
        request
    }

    /// Ends them, and tells which of them nothing asked for.
    pub(crate) fn end(&self) -> Unasked {
        let unasked = self.ledger.unasked();
        let ended = std::mem::take(&mut *self.lock());
        drop(ended);
        unasked
    }

    fn answer<T, F>(&self, answer: impl Fn(&Parts) -> F + Send + Sync + 'static)
    where
        T: Overridable,
        F: Future<Output = Result<T, T::Rejection>> + Send + 'static,
    {
        let mut entry = self.entry::<T>(true);
        let record = Arc::clone(&entry.record);
        let answered = Answered::<T>::by(move |parts| {
            record.was_asked_for();
            answer(parts)
        });
        entry.put = Put::by(move |extensions| {
            extensions.insert(answered.clone());
        });
        self.insert::<T>(entry);
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

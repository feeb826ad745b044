//! The typed map of what a test puts in the place of parts of its application.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::Request;
use http::Extensions;

use crate::{
    Overridable,
    overridable::{Refused, Supplied},
};

/// Replacements for parts of the application, one value per type, for the length of one test.
///
/// A value that is set takes effect in three ways:
///
/// 1. **State**: the session's `app` function asks for it with
///    [`TestContext::overridden_or`](crate::TestContext::overridden_or) while it builds the state.
/// 2. **Extension**: it is put into the extensions of every request, where axum's `Extension<T>`
///    and extractors of the application that look there find it.
/// 3. **Extractor**: an extractor marked [`#[overridable]`](crate::overridable) returns it
///    without looking at the request.
///
/// The session's overrides are set first, then those of the test's attribute, then those that the
/// test sets on this handle, which take effect at the next request. A later one replaces an
/// earlier one of the same type. All of them end with the test; nothing is global.
///
/// The handle is cheap to clone, and every clone is the same map.
#[derive(Clone, Default)]
pub struct Overrides {
    entries: Arc<Mutex<HashMap<TypeId, Entry>>>,
}

struct Entry {
    type_name: &'static str,
    value: Option<Box<dyn Any + Send + Sync>>,
    put: Arc<dyn Fn(&mut Extensions) + Send + Sync>,
}

impl Overrides {
    /// Sets the value that stands in for type `T`.
    pub fn set<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let supplied = value.clone();
        let put = move |extensions: &mut Extensions| {
            let value = supplied.clone();
            let supplied = supplied.clone();
            extensions.insert(value);
            extensions.insert(Supplied::by(move |_| {
                let value = supplied.clone();
                Box::pin(async move { value })
            }));
        };
        self.insert::<T>(Some(Box::new(value)), Arc::new(put));
    }

    /// Makes the overridable extractor `T` refuse every request with a rejection.
    pub fn reject<T: Overridable>(
        &self,
        rejection: impl Fn() -> T::Rejection + Send + Sync + 'static,
    ) {
        let refused = Refused::<T>::by(move |_| rejection());
        self.insert::<T>(
            None,
            Arc::new(move |extensions| {
                extensions.insert(refused.clone());
            }),
        );
    }

    /// The value set for type `T`, if there is one.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.lock()
            .get(&TypeId::of::<T>())?
            .value
            .as_ref()?
            .downcast_ref()
            .cloned()
    }

    /// Removes what was set for type `T`, so that the application's own is used again.
    ///
    /// Returns whether there was something to remove.
    pub fn remove<T: 'static>(&self) -> bool {
        self.lock().remove(&TypeId::of::<T>()).is_some()
    }

    /// Puts every value into a request's extensions.
    pub(crate) fn apply(&self, mut request: Request) -> Request {
        let puts: Vec<_> = self
            .lock()
            .values()
            .map(|entry| Arc::clone(&entry.put))
            .collect();
        for put in puts {
            put(request.extensions_mut());
        }
        request
    }

    fn insert<T: 'static>(
        &self,
        value: Option<Box<dyn Any + Send + Sync>>,
        put: Arc<dyn Fn(&mut Extensions) + Send + Sync>,
    ) {
        let entry = Entry {
            type_name: type_name::<T>(),
            value,
            put,
        };
        self.lock().insert(TypeId::of::<T>(), entry);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TypeId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Overrides {
    /// Lists the types, not the values: those may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.lock().values().map(|entry| entry.type_name))
            .finish()
    }
}

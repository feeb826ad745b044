//! How overrides reach the application, and how they end.

use std::any::TypeId;

use http::Request;

use super::{Layer, Overrides, UnusedOverrides, one_request, usage::Reader};

impl Overrides {
    /// A handle to the same overrides that sets in this layer.
    pub(crate) fn at(&self, layer: Layer) -> Self {
        Self {
            layer,
            ..self.clone()
        }
    }

    /// The value for a part of the application's state; counts as a lookup by the application.
    pub(crate) fn for_state<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.usage.looked_up::<T>(Reader::State);
        let entry = self.lock().get(&TypeId::of::<T>()).cloned()?;
        let value = entry.value();
        if value.is_some() {
            entry.record.was_read();
        }
        value
    }

    /// The application's state is complete: what is set from now on cannot be in it.
    pub(crate) fn application_is_built(&self) {
        self.usage.application_is_built();
    }

    /// Puts the overrides of the test and those of this request into the request's extensions.
    pub(crate) fn apply<B>(&self, mut request: Request<B>) -> Request<B> {
        self.usage.request_begins();
        let mut entries = self.lock().clone();
        for overrides in one_request::current() {
            overrides.usage.move_overrides_to(&self.usage);
            entries.extend(overrides.lock().clone());
        }
        let extensions = request.extensions_mut();
        extensions.insert(self.usage.lookups());
        for entry in entries.values() {
            entry.put_into(extensions);
        }
        request
    }

    /// Drops all overrides, and reports those that nothing read.
    pub(crate) fn end(&self) -> UnusedOverrides {
        let unused = UnusedOverrides::of(&self.usage.usage());
        let ended = std::mem::take(&mut *self.lock());
        // Dropped without the lock: the drop of a value is the user's code.
        drop(ended);
        unused
    }
}

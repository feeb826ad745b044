//! How overrides reach the application, and how they end.

use std::any::TypeId;

use http::Request;

use super::{Layer, Overrides, Unasked, ledger::Asker, one_request};

impl Overrides {
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
    pub(crate) fn apply<B>(&self, mut request: Request<B>) -> Request<B> {
        self.ledger.request_begins();
        let mut entries = self.lock().clone();
        for overrides in one_request::in_force() {
            overrides.ledger.hand_over(&self.ledger);
            entries.extend(overrides.lock().clone());
        }
        let extensions = request.extensions_mut();
        extensions.insert(self.ledger.lookups());
        for entry in entries.values() {
            entry.record.was_offered();
            entry.put.fill(extensions);
        }
        request
    }

    /// Ends them, and tells which of them nothing asked for.
    pub(crate) fn end(&self) -> Unasked {
        let unasked = Unasked::of(&self.ledger.pages(), self.ledger.requests());
        let ended = std::mem::take(&mut *self.lock());
        drop(ended);
        unasked
    }
}

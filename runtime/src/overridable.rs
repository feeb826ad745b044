//! The part of an override that an application compiles into its production binary.
//!
//! An extractor marked `#[db_test::overridable]` looks into the request's extensions first. In
//! production they hold no override, and a remote caller cannot add one: extensions are values of
//! the process, which no part of an HTTP message becomes.

#[cfg(feature = "harness")]
use std::any::{TypeId, type_name};
use std::{fmt, future::Future, pin::Pin, sync::Arc};

use http::request::Parts;

/// An extractor whose result a test can replace; implemented by
/// [`#[db_test::overridable]`](macro@crate::overridable), never by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an overridable extractor",
    label = "a test cannot replace it",
    note = "write `#[db_test::overridable]` above its `impl FromRequestParts<…> for …`"
)]
pub trait Overridable: Sized + Send + 'static {
    /// The extractor's rejection.
    type Rejection: Send + 'static;
}

/// A closure that gets the request.
type Make<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

type Extracted<T> = Result<T, <T as Overridable>::Rejection>;

/// The value that replaces an extractor's, in the extensions of a request.
///
/// It is not an [`Answered`] because a value can be set for any type, overridable or not.
pub(crate) struct Supplied<T>(Make<T>);

/// The closure that replaces an extractor, in the extensions of a request.
pub(crate) struct Answered<T: Overridable>(Make<Answer<Extracted<T>>>);

#[cfg(feature = "harness")]
impl<T> Supplied<T> {
    /// Supplies what a closure returns.
    pub(crate) fn by(make: impl Fn(&Parts) -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

#[cfg(feature = "harness")]
impl<T: Overridable> Answered<T> {
    /// Answers with what a closure returns for the request.
    pub(crate) fn by<F>(make: impl Fn(&Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Extracted<T>> + Send + 'static,
    {
        Self(Arc::new(move |parts| Box::pin(make(parts))))
    }
}

impl<T> Clone for Supplied<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Overridable> Clone for Answered<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Supplied<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Supplied<{}>", std::any::type_name::<T>())
    }
}

impl<T: Overridable> fmt::Debug for Answered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answered<{}>", std::any::type_name::<T>())
    }
}

/// Records which extractors look for an override; in the extensions of a request.
#[cfg(feature = "harness")]
#[derive(Clone)]
pub(crate) struct Lookups(pub(crate) Arc<dyn SeesLookups>);

#[cfg(feature = "harness")]
pub(crate) trait SeesLookups: Send + Sync {
    /// An extractor of this type has looked for an override.
    fn looked_up(&self, type_id: TypeId, type_name: &'static str);
}

/// The override of this extractor for a request, if there is one.
pub async fn overridden<T: Overridable>(parts: &mut Parts) -> Option<Extracted<T>> {
    #[cfg(feature = "harness")]
    if let Some(Lookups(seen)) = parts.extensions.get() {
        seen.looked_up(TypeId::of::<T>(), type_name::<T>());
    }
    if let Some(Answered(make)) = parts.extensions.get::<Answered<T>>() {
        let answer = make(parts);
        return Some(answer.await);
    }
    let Supplied(make) = parts.extensions.get::<Supplied<T>>()?;
    Some(Ok(make(parts)))
}

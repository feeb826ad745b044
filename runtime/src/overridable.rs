//! The part of an override that an application compiles into its production binary.
//!
//! An extractor marked `#[db_test::overridable]` asks the request's extensions first. In
//! production nobody puts anything there, and a remote caller has no way to: extensions are
//! in-process values that no part of an HTTP message is turned into.

#[cfg(feature = "harness")]
use std::any::{TypeId, type_name};
use std::{fmt, future::Future, pin::Pin, sync::Arc};

use http::request::Parts;

/// An extractor whose result a test can replace; implemented by `#[db_test::overridable]`.
#[diagnostic::on_unimplemented(
    message = "a test cannot choose what `{Self}` is request by request",
    label = "not an overridable extractor",
    note = "write `#[db_test::overridable]` above its `impl FromRequestParts<…> for …`"
)]
pub trait Overridable: Sized + Send + 'static {
    /// What the extractor answers with when it refuses a request.
    type Rejection: Send + 'static;
}

/// Makes something of a request.
type Make<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

type Extracted<T> = Result<T, <T as Overridable>::Rejection>;

/// A value in the place of an extractor's, carried by a request's extensions.
///
/// It is apart from [`Answered`] because a value can be set for any type, overridable or not.
pub(crate) struct Supplied<T>(Make<T>);

/// What an extractor answers instead of looking at the request, carried by a request's extensions.
pub(crate) struct Answered<T: Overridable>(Make<Answer<Extracted<T>>>);

#[cfg(feature = "harness")]
impl<T> Supplied<T> {
    /// Supplies what a closure makes.
    pub(crate) fn by(make: impl Fn(&Parts) -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

#[cfg(feature = "harness")]
impl<T: Overridable> Answered<T> {
    /// Answers with what a closure makes of the request.
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

/// Sees which extractors look whether a test has set their value; carried by a request's extensions.
#[cfg(feature = "harness")]
#[derive(Clone)]
pub(crate) struct Lookups(pub(crate) Arc<dyn SeesLookups>);

#[cfg(feature = "harness")]
pub(crate) trait SeesLookups: Send + Sync {
    /// An extractor of this type has looked.
    fn looked_up(&self, type_id: TypeId, type_name: &'static str);
}

/// What a test put in the place of this extractor, if anything.
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

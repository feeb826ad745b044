//! The part of an override that an application compiles into its production binary.
//!
//! An extractor marked `#[db_test::overridable]` asks the request's extensions first. In
//! production nobody puts anything there, and a remote caller has no way to: extensions are
//! in-process values that no part of an HTTP message is turned into.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use http::request::Parts;

/// An extractor whose result a test can replace; implemented by `#[db_test::overridable]`.
pub trait Overridable: Sized + Send + 'static {
    /// What the extractor answers with when it refuses a request.
    type Rejection: Send + 'static;
}

/// Makes something of a request.
type Make<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A replacement of an extractor's value, carried by a request's extensions.
pub(crate) struct Supplied<T>(Make<Answer<T>>);

/// A replacement of an extractor's rejection, carried by a request's extensions.
pub(crate) struct Refused<T: Overridable>(Make<<T as Overridable>::Rejection>);

#[cfg(feature = "harness")]
impl<T> Supplied<T> {
    /// Supplies what a closure makes of the request.
    pub(crate) fn by(make: impl Fn(&Parts) -> Answer<T> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

#[cfg(feature = "harness")]
impl<T: Overridable> Refused<T> {
    /// Refuses each request with the rejection that a closure makes.
    pub(crate) fn by(make: impl Fn(&Parts) -> T::Rejection + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

impl<T> Clone for Supplied<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Overridable> Clone for Refused<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Supplied<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Supplied<{}>", std::any::type_name::<T>())
    }
}

impl<T: Overridable> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused<{}>", std::any::type_name::<T>())
    }
}

/// What a test put in the place of this extractor, if anything.
pub async fn overridden<T: Overridable>(parts: &mut Parts) -> Option<Result<T, T::Rejection>> {
    if let Some(Refused(make)) = parts.extensions.get::<Refused<T>>() {
        return Some(Err(make(parts)));
    }
    let Supplied(make) = parts.extensions.get::<Supplied<T>>()?;
    let answer = make(parts);
    Some(Ok(answer.await))
}

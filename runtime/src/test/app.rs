//! Turning what a session's `app` function returns into a router.

mod exchange;
mod layer;

use std::{future::Future, pin::Pin, sync::Arc};

use axum::Router;

pub(crate) use self::layer::TestLayer;
use crate::{BoxError, Session, TestContext};

pub(crate) type AppFuture = Pin<Box<dyn Future<Output = Result<Router, BoxError>> + Send>>;
pub(crate) type AppFn = Arc<dyn Fn(TestContext) -> AppFuture + Send + Sync>;

/// What the function given to [`Session::app`](crate::Session::app) may return: a [`Router`], a
/// `Result<Router, E>`, or a future of either.
///
/// `How` only keeps the implementations apart; it is inferred.
#[diagnostic::on_unimplemented(
    message = "the session's `app` function returns `{Self}`, which is not an application",
    label = "expected a `Router`, a `Result<Router, E>`, or a future of either",
    note = "a router that still lacks its state is finished by `.with_state(state)`"
)]
pub trait IntoApp<How>: Send + 'static {
    /// Waits for the application, if it has to be waited for.
    fn into_app(self) -> impl Future<Output = Result<Router, BoxError>> + Send + 'static;
}

#[doc(hidden)]
#[derive(Debug)]
pub enum Plain {}
#[doc(hidden)]
#[derive(Debug)]
pub enum Fallible {}
#[doc(hidden)]
#[derive(Debug)]
pub struct Async<How>(std::marker::PhantomData<How>);

impl IntoApp<Plain> for Router {
    async fn into_app(self) -> Result<Router, BoxError> {
        Ok(self)
    }
}

impl<E: Into<BoxError> + Send + 'static> IntoApp<Fallible> for Result<Router, E> {
    async fn into_app(self) -> Result<Router, BoxError> {
        self.map_err(Into::into)
    }
}

impl<F, How: 'static> IntoApp<Async<How>> for F
where
    F: Future<Output: IntoApp<How>> + Send + 'static,
{
    async fn into_app(self) -> Result<Router, BoxError> {
        self.await.into_app().await
    }
}

impl Session {
    /// The function that makes the application's router, called once for each test that takes a
    /// `Router` or a [`Client`](crate::Client).
    ///
    /// It may be an async function and may return a `Result`; see [`IntoApp`].
    pub fn app<F, A, How>(mut self, make: F) -> Self
    where
        F: Fn(TestContext) -> A + Send + Sync + 'static,
        A: IntoApp<How>,
    {
        self.app = Some(Arc::new(erase(make)));
        self
    }

    pub(crate) fn app_fn(&self) -> Option<&AppFn> {
        self.app.as_ref()?.downcast_ref()
    }
}

/// Erases the type of a session's `app` function.
fn erase<F, A, How>(make: F) -> AppFn
where
    F: Fn(TestContext) -> A + Send + Sync + 'static,
    A: IntoApp<How>,
{
    Arc::new(move |cx| Box::pin(make(cx).into_app()))
}

//! The application of one test: what the session's `app` function returns, in the layer of the
//! test.

mod exchange;
mod layer;

use std::{future::Future, pin::Pin, sync::Arc};

use axum::Router;

use self::layer::TestLayer;
use crate::{
    BoxError, Error, Session, TestContext,
    executor::panics::{self, Panicked},
    observe::report::chain,
    postgres::Startable,
    session::Definition,
    test::{bypass::elsewhere::Lookout, cause::Cause},
};

pub(crate) type AppFuture = Pin<Box<dyn Future<Output = Result<Router, BoxError>> + Send>>;
pub(crate) type AppFn = Arc<dyn Fn(TestContext) -> AppFuture + Send + Sync>;

/// The return types of the function given to [`Session::app`](crate::Session::app): a
/// [`Router`](axum::Router), a `Result<Router, E>`, or a future of either.
///
/// `How` distinguishes the implementations; it is inferred.
#[diagnostic::on_unimplemented(
    message = "the session's `app` function returns `{Self}`, which is not an application",
    label = "expected a `Router`, a `Result<Router, E>`, or a future of either",
    note = "call `.with_state(state)` on a router whose state is missing"
)]
pub trait IntoApp<How>: Send + 'static {
    /// Converts it into the router, and awaits it if it is a future.
    ///
    /// # Errors
    ///
    /// The error that the function returned.
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
    /// The function that builds the application's router.
    ///
    /// It is called once for each test that takes a `Router` or a [`Client`](crate::Client). It may
    /// be async and may return a `Result`; see [`IntoApp`]. It gets the test's [`TestContext`]:
    /// build the application with its [pool](TestContext::pool), and with its
    /// [overrides](TestContext::overridden_or) where a test may replace a part.
    ///
    /// ```no_run
    /// # use axum::Router;
    /// # use db_test::{BoxError, Session, TestContext};
    /// # use sqlx::PgPool;
    /// async fn app(pool: PgPool) -> Result<Router, BoxError> {
    ///     // …
    /// #   Ok(Router::new())
    /// }
    ///
    /// #[db_test::session]
    /// fn session() -> Session {
    ///     Session::postgres().app(|cx| app(cx.pool()))
    /// }
    /// # fn main() {}
    /// ```
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

/// The application's router with the test's layer around it, built once for each test.
pub(crate) async fn router(cx: &TestContext) -> Result<Router, BoxError> {
    let built = cx.router().get_or_try_init(|| build(cx));
    Box::pin(built).await.cloned()
}

async fn build(cx: &TestContext) -> Result<Router, BoxError> {
    let app = cx
        .definition()
        .session
        .app_fn()
        .ok_or_else(|| no_app(cx.definition()))?;
    cx.bypass().app_build_begins();
    // Called inside the future, so that a panic of the function itself is caught as well.
    let made = panics::caught(Box::pin(async { app(cx.clone()).await })).await;
    let router = made.and_then(|made| made).map_err(|error| {
        let problem = match error.downcast_ref() {
            Some(Panicked(text)) => format!("panicked: {text}"),
            None => format!("failed: {}", chain(error.as_ref())),
        };
        Error::from(Cause::AppFailed { problem })
    })?;
    cx.bypass().app_is_built();
    cx.overrides().application_is_built();
    Ok(router.layer(TestLayer {
        overrides: cx.overrides().clone(),
        recording: Arc::clone(cx.recording()),
        lookout: Lookout {
            session: Startable::of(cx.definition()),
            bypass: Arc::clone(cx.bypass()),
        },
    }))
}

fn no_app(definition: &Definition) -> Error {
    let (kind, pool) = if definition.is_on_sqlite() {
        ("sqlite", "SqlitePool")
    } else {
        ("postgres", "PgPool")
    };
    Error::from(if definition.is_conventional() {
        Cause::NoSession { kind }
    } else {
        let session = definition.name.clone();
        Cause::NoApp { session, pool }
    })
}

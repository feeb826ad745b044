//! Overrides for one request.
//!
//! axum-test's requests cannot carry an extension. But the task that awaits a request sent in
//! process also answers it. So a task local that is set while the request's future is polled
//! reaches the layer around the application, whether a `Client` or a bare `Router` gets the
//! request.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{Layer, Overrides, usage::UsageLog};

tokio::task_local! {
    /// The overrides of the request that is being polled, the innermost last.
    static CURRENT: Vec<Overrides>;
    /// The usage log of the test whose body is being polled.
    static TEST: UsageLog;
}

/// Overrides for one request, sent by a [`Client`](crate::Client) or to a bare `Router`.
///
/// Use it where requests of one test need different overrides, such as one user after the other.
///
/// ```
/// # use axum::http::Request;
/// # use axum::{Router, body::Body};
/// # use db_test::Client;
/// use db_test::OverrideRequest;
/// use tower::ServiceExt;
///
/// # #[derive(Clone)]
/// # struct Plan(&'static str);
/// # async fn example(client: Client, router: Router, request: Request<Body>) {
/// let response = client
///     .get("/quota")
///     .overriding(|o| o.set(Plan("gold")))
///     .await;
///
/// let response = router
///     .oneshot(request)
///     .overriding(|o| o.set(Plan("gold")))
///     .await;
/// # }
/// ```
pub trait OverrideRequest: IntoFuture + Sized {
    /// Sets overrides for the requests that this future sends. They have precedence over those of
    /// the whole test.
    ///
    /// Call it last, on the complete request; or on an `async` block, for each request in it. It
    /// replaces extractors and extensions, and no part of the application's state, which is already
    /// built. It does not reach requests that another task sends, or that go through a port. An
    /// override that the request does not read is reported at the end of the test.
    fn overriding(self, set: impl FnOnce(&Overrides)) -> Overriding<Self::IntoFuture> {
        let overrides = Overrides::default().at(Layer::Request);
        set(&overrides);
        overrides.move_to_test_log();
        Overriding {
            request: Box::pin(self.into_future()),
            overrides,
        }
    }
}

impl<F: IntoFuture> OverrideRequest for F {}

/// A request with its own overrides; made by [`OverrideRequest::overriding`].
///
/// # Cancel safety
///
/// Its overrides apply only while it is polled: dropping it leaves nothing behind.
#[must_use = "futures do nothing unless polled"]
pub struct Overriding<F> {
    request: Pin<Box<F>>,
    overrides: Overrides,
}

impl<F> Overriding<F> {
    /// Sets more overrides; a later one replaces an earlier one of the same type.
    pub fn overriding(self, set: impl FnOnce(&Overrides)) -> Self {
        set(&self.overrides);
        self.overrides.move_to_test_log();
        self
    }
}

impl<F: Future> Future for Overriding<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut overrides = current();
        overrides.push(self.overrides.clone());
        CURRENT.sync_scope(overrides, || self.request.as_mut().poll(cx))
    }
}

impl<F> std::fmt::Debug for Overriding<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Overriding").field(&self.overrides).finish()
    }
}

impl Overrides {
    /// Runs the body of the test that these overrides belong to, so that the overrides of its
    /// requests are logged.
    pub(crate) fn watch<F: Future>(&self, body: F) -> impl Future<Output = F::Output> {
        TEST.scope(self.usage.clone(), body)
    }

    /// Logs these overrides in the running test. Done at once, because the request may never reach
    /// the application.
    fn move_to_test_log(&self) {
        TEST.try_with(|test| self.usage.move_overrides_to(test))
            .ok();
    }
}

/// The overrides of the request that is being polled, the innermost last.
pub(super) fn current() -> Vec<Overrides> {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

//! Overrides for one request.
//!
//! axum-test's requests have no place for an extension. But a request sent in process is answered
//! by the very task that awaits it, so what is set while its future is polled is seen by the
//! layer around the application, be the request sent by a `Client` or to a bare `Router`.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{Layer, Overrides, ledger::Ledger};

tokio::task_local! {
    /// The overrides of the request that is being polled, those nearest to it last.
    static IN_FORCE: Vec<Overrides>;
    /// The account of the test whose body is being polled.
    static TEST: Ledger;
}

/// Overrides for one request, whoever sends it.
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
    /// Sets overrides that are in force while this future is polled, before those of the whole
    /// test.
    ///
    /// Comes last, when the request is complete. Around a block, it is for each request in the
    /// block. The application's state was made before, so this reaches extractors and extensions;
    /// and a request that another task sends, or that goes through a port, is not reached. What
    /// was not asked for is reported at the end of the test.
    fn overriding(self, set: impl FnOnce(&Overrides)) -> Overriding<Self::IntoFuture> {
        let overrides = Overrides::default().at(Layer::Request);
        set(&overrides);
        overrides.enter_in_test();
        Overriding {
            request: Box::pin(self.into_future()),
            overrides,
        }
    }
}

impl<F: IntoFuture> OverrideRequest for F {}

/// A request with overrides of its own; made by [`OverrideRequest::overriding`].
///
/// # Cancel safety
///
/// Its overrides are in force only while it is polled: dropping it leaves nothing behind.
#[must_use = "futures do nothing unless polled"]
pub struct Overriding<F> {
    request: Pin<Box<F>>,
    overrides: Overrides,
}

impl<F> Overriding<F> {
    /// Sets more of them; a later one replaces an earlier one.
    pub fn overriding(self, set: impl FnOnce(&Overrides)) -> Self {
        set(&self.overrides);
        self.overrides.enter_in_test();
        self
    }
}

impl<F: Future> Future for Overriding<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut overrides = in_force();
        overrides.push(self.overrides.clone());
        IN_FORCE.sync_scope(overrides, || self.request.as_mut().poll(cx))
    }
}

impl<F> std::fmt::Debug for Overriding<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Overriding").field(&self.overrides).finish()
    }
}

impl Overrides {
    /// Runs the body of the test that these overrides belong to.
    pub(crate) fn watch<F: Future>(&self, body: F) -> impl Future<Output = F::Output> {
        TEST.scope(self.ledger.clone(), body)
    }

    /// Tells the test at once, so that it knows of a request that never comes to its application.
    fn enter_in_test(&self) {
        TEST.try_with(|test| self.ledger.hand_over(test)).ok();
    }
}

/// The overrides of the request that is being polled, those nearest to it last.
pub(super) fn in_force() -> Vec<Overrides> {
    IN_FORCE.try_with(Clone::clone).unwrap_or_default()
}

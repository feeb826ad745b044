//! The layer that a test adds around its application.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{extract::Request, response::Response};
use tower::{Layer, Service};

use super::exchange::{recorded, seen};
use crate::{Overrides, observe::recording::Recording, test::bypass::elsewhere::Lookout};

/// Puts the test's overrides into each request, and records the exchange.
#[derive(Clone)]
pub(crate) struct TestLayer {
    pub(crate) overrides: Overrides,
    pub(crate) recording: Arc<Recording>,
    pub(crate) lookout: Lookout,
}

/// The application's service in that layer.
#[derive(Clone)]
pub(crate) struct TestService<S> {
    layer: TestLayer,
    inner: S,
}

impl<S> Layer<S> for TestLayer {
    type Service = TestService<S>;

    fn layer(&self, inner: S) -> TestService<S> {
        let layer = self.clone();
        TestService { layer, inner }
    }
}

impl<S> Service<Request> for TestService<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let seen = seen(&request);
        let TestLayer {
            overrides,
            recording,
            lookout,
        } = &self.layer;
        let answer = self.inner.call(overrides.apply(request));
        let recording = Arc::clone(recording);
        Box::pin(recorded(recording, lookout.clone(), seen, answer))
    }
}

//! Futures that run when a test has ended, while its database is still there.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, Location},
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;

use crate::{
    BoxError,
    executor::{self, panics::text_of},
    observe::report::chain,
};

/// How long each teardown may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The outputs of futures given to [`TestContext::on_end`](crate::TestContext::on_end): `()` or a
/// `Result<(), E>`.
#[diagnostic::on_unimplemented(
    message = "a teardown cannot return `{Self}`",
    label = "expected `()`, or a `Result<(), E>` whose error converts into `BoxError`"
)]
pub trait Teardown: Send + 'static {
    /// Whether it failed, and why.
    #[doc(hidden)]
    fn into_result(self) -> Result<(), BoxError>;
}

impl Teardown for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError> + Send + 'static> Teardown for Result<(), E> {
    fn into_result(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

type Work = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// The teardowns of one test, in the order in which they were registered.
#[derive(Default)]
pub(crate) struct Teardowns(Mutex<Vec<(&'static Location<'static>, Work)>>);

impl Teardowns {
    pub(crate) fn push<F>(&self, place: &'static Location<'static>, work: F)
    where
        F: Future<Output: Teardown> + Send + 'static,
    {
        let work = Box::pin(async { work.await.into_result() });
        self.list().push((place, work));
    }

    /// Runs all of them, the last one first. Returns the problems.
    pub(crate) async fn run(&self) -> Vec<String> {
        let mut problems = Vec::new();
        // A teardown may register another one, which then runs next.
        while let Some((place, work)) = self.pop() {
            let ended = executor::within(LIMIT, AssertUnwindSafe(work).catch_unwind()).await;
            let problem = match ended {
                Some(Ok(Ok(()))) => continue,
                Some(Ok(Err(error))) => format!("failed: {}", chain(error.as_ref())),
                Some(Err(panic)) => format!("panicked: {}", text_of(panic.as_ref())),
                None => format!("was cancelled at its limit of {LIMIT:?}"),
            };
            problems.push(format!("`on_end` at {place} {problem}"));
        }
        problems
    }

    fn pop(&self) -> Option<(&'static Location<'static>, Work)> {
        self.list().pop()
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<(&'static Location<'static>, Work)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

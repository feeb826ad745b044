//! Places in a test's transaction that it can return to.
//!
//! The proxy keeps them, below whatever transactions the application begins.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::oneshot};

use super::{Core, Sandbox, State};
use crate::{Error, error::Cause, postgres::proxy::Refused};

/// A place in the test's transaction, to return to as often as wanted: the start of each case of a
/// property test, say.
///
/// Made by [`TestContext::savepoint`](crate::TestContext::savepoint). To return costs what a
/// statement on the pool does. What a rollback does not undo, it does not undo either: sequences go on counting, and
/// advisory locks of a session stay.
#[must_use = "a savepoint does nothing until it is restored"]
pub struct Savepoint {
    core: Arc<Core>,
    number: u32,
    case_limit: Duration,
}

impl Sandbox {
    /// Marks the present state of the test's database, to be returned to.
    pub(crate) async fn savepoint(&self, case_limit: Duration) -> Result<Savepoint, Error> {
        self.ready().await?;
        let core = Arc::clone(&self.0);
        let answer = match &*core.state() {
            State::Serving(lane) => lane.proxy.savepoint(),
            _ => return Err(Error::from(Cause::TestEnded)),
        };
        let number = settled(answer, "set").await?;
        Ok(Savepoint {
            core,
            number,
            case_limit,
        })
    }
}

impl Savepoint {
    /// Returns to this place: everything that the test has written since is gone.
    ///
    /// Savepoints that were set after this one are gone as well; this one can be restored again.
    ///
    /// # Errors
    ///
    /// When an older savepoint has been restored since this one was set; while a transaction of the test
    /// or its application is open.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the place may have been returned to or not; restore it again.
    pub async fn restore(&self) -> Result<(), Error> {
        let answer = match &*self.core.state() {
            State::Serving(lane) => lane.proxy.restore(self.number),
            _ => return Err(Error::from(Cause::TestEnded)),
        };
        settled(answer, "restore").await
    }

    /// Returns to this place and runs one case from there, in code that is not async, such as the
    /// closure of a property test.
    ///
    /// ```no_run
    /// # use db_test::{BoxError, TestContext};
    /// # async fn example(cx: TestContext) -> Result<(), BoxError> {
    /// let start = cx.savepoint().await?;
    /// for price in [0, 1, i64::MAX] {
    ///     start.case(async {
    ///         // Nothing of what the case before has written is there.
    ///     });
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The case runs on the test's own thread, and each has the time limit of the whole test. The
    /// test as a whole cannot be stopped during it, so one that took too long fails when it ends.
    ///
    /// # Panics
    ///
    /// When the savepoint cannot be [restored](Self::restore), or the case runs out of time; when
    /// it is called from a task that was spawned on another runtime than the test's.
    pub fn case<F: Future>(&self, case: F) -> F::Output {
        let limit = self.case_limit;
        let from_here = async {
            if let Err(error) = self.restore().await {
                panic!("{error}");
            }
            let ended = tokio::time::timeout(limit, case).await;
            ended.unwrap_or_else(|_| {
                panic!("one case took longer than the test's limit of {limit:?}")
            })
        };
        tokio::task::block_in_place(|| Handle::current().block_on(from_here))
    }
}

impl std::fmt::Debug for Savepoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Savepoint")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// What the proxy answers, when it does.
async fn settled<T>(
    answer: oneshot::Receiver<Result<T, Refused>>,
    action: &'static str,
) -> Result<T, Error> {
    match answer.await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Refused::Gone)) => Err(Error::from(Cause::SavepointGone)),
        Ok(Err(Refused::Open(problem))) => Err(Error::from(Cause::Savepoint { action, problem })),
        Err(_) => Err(Error::from(Cause::Savepoint {
            action,
            problem: "the test's connection is gone".to_owned(),
        })),
    }
}

//! Places in a test's transaction that it can return to.
//!
//! The proxy keeps them, below whatever transactions the application begins.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::{Core, Sandbox, State};
use crate::{
    Error,
    executor::{self, panics},
    postgres::{
        cause::Cause,
        proxy::{MarkRefused, Marking},
    },
};

/// How long a transaction that is open is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

const RETRY_PAUSE: Duration = Duration::from_millis(2);

/// A state of the test's databases that it can return to any number of times, such as the start of
/// each case of a property test.
///
/// Made by [`TestContext::savepoint`](crate::TestContext::savepoint). Returning costs as much as a
/// statement on the pool. It undoes what a rollback undoes: sequences go on counting, and advisory
/// locks of a session stay.
#[must_use = "a savepoint does nothing until it is restored"]
pub struct Savepoint {
    /// The mark in each of the test's databases.
    marks: Vec<(Arc<Core>, u32)>,
    case_limit: Duration,
}

impl Sandbox {
    /// Marks the present state of the test's database, to be returned to.
    pub(crate) async fn savepoint(&self, case_limit: Duration) -> Result<Savepoint, Error> {
        self.ready().await?;
        let core = Arc::clone(&self.0);
        let number = core.marks.fetch_add(1, Ordering::Relaxed);
        core.mark(number, Marking::Set).await?;
        Ok(Savepoint {
            marks: vec![(core, number)],
            case_limit,
        })
    }
}

impl Savepoint {
    /// The same place in a further database of the test.
    pub(crate) fn with(mut self, further: Self) -> Self {
        self.marks.extend(further.marks);
        self
    }

    /// Returns to this place: everything that the test has written since is gone.
    ///
    /// Savepoints that were set after this one are gone as well; this one can be restored again.
    ///
    /// # Errors
    ///
    /// When an older savepoint has been restored since this one was set; while a transaction of the
    /// test or its application is open.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the place may have been returned to or not; restore it again.
    pub async fn restore(&self) -> Result<(), Error> {
        for (core, number) in &self.marks {
            core.mark(*number, Marking::Restore).await?;
        }
        Ok(())
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
                panics::misused(&error.to_string());
            }
            let ended = executor::within(limit, case).await;
            ended.unwrap_or_else(|| {
                panics::misused(&format!(
                    "one case took longer than the test's limit of {limit:?}"
                ))
            })
        };
        if executor::is_elsewhere() {
            panics::misused(
                "db-test: `Savepoint::case` needs the shared runtime: remove `flavor = \"current_thread\"`, or write \
                 `start.restore().await` in front of each case",
            );
        }
        tokio::task::block_in_place(|| Handle::current().block_on(from_here))
    }
}

impl std::fmt::Debug for Savepoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Savepoint")
            .field("databases", &self.marks.len())
            .finish_non_exhaustive()
    }
}

impl Core {
    /// Has the proxy set or restore a mark, when the transactions have ended that are being
    /// dropped: a pool rolls them back in the background.
    async fn mark(&self, number: u32, marking: Marking) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.try_mark(number, marking).await {
                Err(Refusal::Open(_)) if Instant::now() < deadline => {
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(Refusal::Open(sql)) => {
                    let problem =
                        format!("a transaction is open, with this statement in it: {sql}");
                    let action = marking.verb();
                    return Err(Error::from(Cause::Savepoint { action, problem }));
                }
                Err(Refusal::Final(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn try_mark(&self, number: u32, marking: Marking) -> Result<(), Refusal> {
        let answer = match &*self.state() {
            State::Serving(lane) => lane.proxy.mark(number, marking),
            _ => return Err(Refusal::Final(Error::from(Cause::TestEnded))),
        };
        let cause = match answer.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(MarkRefused::InTransaction(sql))) => return Err(Refusal::Open(sql)),
            Ok(Err(MarkRefused::Gone)) => Cause::SavepointGone,
            Ok(Err(MarkRefused::Failed(problem))) => {
                let action = marking.verb();
                Cause::Savepoint { action, problem }
            }
            Err(_) => Cause::Savepoint {
                action: marking.verb(),
                problem: "the test's connection is gone".to_owned(),
            },
        };
        Err(Refusal::Final(Error::from(cause)))
    }
}

/// Why a mark was not set or restored.
enum Refusal {
    /// A transaction is open, with this statement in it.
    Open(Arc<str>),
    Final(Error),
}

impl Marking {
    fn verb(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Restore => "restore",
        }
    }
}

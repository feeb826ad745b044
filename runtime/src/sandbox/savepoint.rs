//! Places in a test's transaction that it can return to.
//!
//! A savepoint of ours lies below the checkpoint (`_sqlx_savepoint_1`), which moves at each release
//! of the connection and leaves alone what is below it. The server knows which ones are left: to
//! return to one destroys those that were set after it.

use std::{
    future::Future,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Row};
use tokio::runtime::Handle;

use super::{
    Sandbox,
    closing::COUNT_CATALOG_WRITES,
    transaction::{OWN, spares_above_checkpoint},
};
use crate::{Error, error::Cause, server::is};

/// Puts the checkpoint above a savepoint of ours.
const CHECKPOINT: &str = concat!("savepoint _sqlx_savepoint_1; ", spares_above_checkpoint!());

/// A place in the test's transaction, to return to as often as wanted: the start of each case of a
/// property test, say.
///
/// Made by [`TestContext::savepoint`](crate::TestContext::savepoint). To return costs what a
/// statement on the pool does. What a rollback does not undo, it does not undo either: sequences go on counting, and
/// advisory locks of a session stay.
#[must_use = "a savepoint does nothing until it is restored"]
pub struct Savepoint {
    pool: PgPool,
    number: u32,
    /// What the transaction had written to system catalogs when sqlx's caches were last right.
    catalog_writes: AtomicI64,
    case_limit: Duration,
}

impl Sandbox {
    /// Marks the present state of the test's database, to be returned to.
    pub(crate) async fn savepoint(&self, case_limit: Duration) -> Result<Savepoint, Error> {
        let failed = |error| {
            Error::from(Cause::Savepoint {
                action: "set",
                error,
            })
        };
        self.ready().await?;
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let number = self.core.savepoints.fetch_add(1, Ordering::Relaxed);
        let sql = format!("release savepoint _sqlx_savepoint_1; savepoint db_test_{number}");
        let catalog_writes = run(&mut connection, &sql).await.map_err(failed)?;
        Ok(Savepoint {
            pool: self.pool.clone(),
            number,
            catalog_writes: AtomicI64::new(catalog_writes),
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
    /// When an older savepoint has been restored since this one was set; when the test holds its
    /// one connection, by an open transaction for example.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the place may have been returned to or not; restore it again.
    pub async fn restore(&self) -> Result<(), Error> {
        let failed = |error| {
            let gone = is(&error, "3B001") || is(&error, "25P01");
            let action = "restore";
            Error::from(if gone {
                Cause::SavepointGone
            } else {
                Cause::Savepoint { action, error }
            })
        };
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let sql = format!("rollback to savepoint db_test_{}", self.number);
        let catalog_writes = run(&mut connection, &sql).await.map_err(failed)?;
        // Statements that sqlx has prepared and types that it has looked up may be of a schema
        // that has just been rolled back.
        if self.catalog_writes.swap(catalog_writes, Ordering::Relaxed) != catalog_writes {
            connection.clear_cached_statements().await.map_err(failed)?;
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

/// Runs a statement and sets the checkpoint above it; tells the writes to system catalogs so far.
async fn run(connection: &mut PgConnection, sql: &str) -> Result<i64, sqlx::Error> {
    let sql = AssertSqlSafe(format!("{OWN}{sql}; {CHECKPOINT}; {COUNT_CATALOG_WRITES}"));
    connection.fetch_one(sqlx::raw_sql(sql)).await?.try_get(0)
}

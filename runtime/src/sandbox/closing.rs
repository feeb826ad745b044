//! Closing the outer transaction, and verifying it, with one query.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::transaction::{OWN, Outer, moment};
use crate::{lane::LaneId, server::is};

/// How long the closing query may take; deferred constraints of a large test are checked in it.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// What this backend has written to one system catalog. A sum over a list of catalogs would be
/// planned for longer than it runs.
macro_rules! catalog_writes {
    ($catalog:literal) => {
        concat!(
            "pg_stat_get_xact_tuples_inserted(",
            $catalog,
            ") + pg_stat_get_xact_tuples_updated(",
            $catalog,
            ") + pg_stat_get_xact_tuples_deleted(",
            $catalog,
            ")"
        )
    };
}

/// What this backend has written to `pg_type`, `pg_attribute`, `pg_proc` and `pg_class` (their object
/// ids are fixed) since its transaction began, also what was rolled back since.
macro_rules! count_catalog_writes {
    () => {
        concat!(
            catalog_writes!(1247),
            " + ",
            catalog_writes!(1249),
            " + ",
            catalog_writes!(1255),
            " + ",
            catalog_writes!(1259)
        )
    };
}

/// Asks for that count.
pub(super) const COUNT_CATALOG_WRITES: &str = concat!("select ", count_catalog_writes!());

/// What is asked before the end. The first column says whether the transaction is the one that was
/// opened; the second counts writes to system catalogs: more than nothing means DDL; the third counts
/// the statements that the server has prepared (the view of them would be planned for longer).
const LOOK_BACK: &str = concat!(
    moment!(),
    ", ",
    count_catalog_writes!(),
    ", (select count(*) from pg_prepared_statement() where name not in ('db_test_look_back', 'db_test_restore'))"
);

/// What is asked before the end, with a fourth column that says whether the connection still has its
/// lane: advisory locks of a session, which are released here, do not mind a rollback (PostgreSQL
/// manual, 13.3.5).
fn look_back(lane: &LaneId) -> String {
    let release = lane.release_locks();
    format!("{LOOK_BACK}, {release}")
}

/// Ends the transaction, and puts back what that does not.
fn end(restore: &str) -> String {
    format!("rollback{restore}; discard sequences")
}

/// How often a lane's connection was looked back at in the same words.
///
/// To parse and plan them takes the server longer than to answer. So the second time it is told to
/// remember them; many processes end before they would gain by it.
#[derive(Clone, Default, Debug)]
pub(crate) struct LooksBack(Arc<AtomicU32>);

impl LooksBack {
    /// The closing query of this time.
    fn next(&self, lane: &LaneId) -> String {
        let begin = format!("{OWN}set constraints all immediate");
        let now = || end(lane.restore.now());
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => format!("{begin}; {}; {}", look_back(lane), now()),
            1 => {
                let (look_back, remember) = (look_back(lane), lane.restore.prepare());
                format!(
                    "{begin}; {look_back}; {}; prepare db_test_look_back as {look_back}{remember}",
                    now()
                )
            }
            _ => {
                let end = end(lane.restore.prepared());
                format!("{begin}; execute db_test_look_back; {end}")
            }
        }
    }

    /// The server does not remember them any more.
    fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// What the server said when the transaction was closed.
pub(super) enum Verdict {
    RolledBack,
    /// The transaction that was rolled back was not the one that had been opened.
    Replaced,
    /// The application released the advisory lock that claims the lane, and another process took it.
    ClaimLost,
    /// A deferred constraint did not hold, so that production's commit would have failed.
    DeferredConstraint(sqlx::Error),
    /// Nothing is known for certain.
    Unknown(sqlx::Error),
    TooSlow,
}

impl Verdict {
    /// Whether the lane is as it was before the test, and may be used again.
    pub(super) fn leaves_lane_clean(&self) -> bool {
        matches!(self, Self::RolledBack | Self::DeferredConstraint(_))
    }
}

/// Checks deferred constraints, makes sure that this is still the transaction that was opened,
/// rolls it back, releases advisory locks, and puts back sequences.
pub(super) async fn close(connection: &mut PgConnection, lane: &LaneId, outer: &Outer) -> Verdict {
    if lane.tap.need_not_open() {
        // Nothing was asked, and there is no transaction.
        return Verdict::RolledBack;
    }
    let closing = async {
        let sql = lane.looks_back.next(lane);
        match read_verdict(connection, sql, lane, outer).await {
            // The application has sent a `DEALLOCATE ALL`.
            Err(error) if is(&error, "26000") => {
                lane.looks_back.forget();
                let verdict = close_aborted(connection, lane, outer).await;
                verdict.unwrap_or_else(Verdict::Unknown)
            }
            Err(violation) if violation.as_database_error().is_some() => {
                match close_aborted(connection, lane, outer).await {
                    Ok(Verdict::RolledBack) => Verdict::DeferredConstraint(violation),
                    verdict => verdict.unwrap_or_else(Verdict::Unknown),
                }
            }
            verdict => verdict.unwrap_or_else(Verdict::Unknown),
        }
    };
    tokio::time::timeout(CLOSE_LIMIT, closing)
        .await
        .unwrap_or(Verdict::TooSlow)
}

/// Ends a transaction that the closing query has aborted.
async fn close_aborted(
    connection: &mut PgConnection,
    lane: &LaneId,
    outer: &Outer,
) -> Result<Verdict, sqlx::Error> {
    let look_back = look_back(lane);
    let end = end(lane.restore.now());
    let sql = format!("{OWN}rollback to savepoint _sqlx_savepoint_1; {look_back}; {end}");
    read_verdict(connection, sql, lane, outer).await
}

async fn read_verdict(
    connection: &mut PgConnection,
    sql: String,
    lane: &LaneId,
    outer: &Outer,
) -> Result<Verdict, sqlx::Error> {
    let row = connection
        .fetch_one(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await?;
    let moment: String = row.try_get(0)?;
    let (catalog_writes, prepared): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    let has_lane: bool = row.try_get(3)?;
    // The rolled-back schema lives on in the plans and type ids that sqlx remembers; and what was
    // done to prepared statements in SQL, such as `DEALLOCATE ALL`, is not rolled back.
    let remembered = i64::try_from(connection.cached_statements_size()).unwrap_or(i64::MAX);
    if catalog_writes > 0 || prepared != remembered {
        connection.clear_cached_statements().await?;
        connection.execute("deallocate all").await?;
        lane.looks_back.forget();
    }
    Ok(match (outer.began_at(&moment), has_lane) {
        (true, true) => Verdict::RolledBack,
        (true, false) => Verdict::ClaimLost,
        _ => Verdict::Replaced,
    })
}

//! The outer transaction: opened with one query, closed and verified with one query.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Postgres, Row};
use sqlx_core::{database::Database, transaction::TransactionManager};

use crate::lane::LaneId;

type Manager = <Postgres as Database>::TransactionManager;

/// How deep sqlx believes the connection of an idle sandbox to be.
///
/// One level is the outer transaction, the others are spare savepoints. sqlx's drop guards roll
/// back one or two levels too many in three ordinary cases (a cancelled `begin()`, `begin_with`
/// below the top level, `begin()` after a failed statement); the spare levels are what they
/// use up, so that two such accidents on one held connection do no harm. A lane's connection is
/// brought to this depth once and stays there on the client's side.
pub(crate) const DEPTH: usize = 5;

/// How each query that the sandbox sends of its own accord begins.
pub(crate) const OWN: &str = "/*db-test*/";

/// The spare savepoints above the checkpoint, by the names that sqlx gives them.
macro_rules! spares_above_checkpoint {
    () => {
        "savepoint _sqlx_savepoint_2; savepoint _sqlx_savepoint_3; savepoint _sqlx_savepoint_4"
    };
}
pub(super) use spares_above_checkpoint;

/// Opens the transaction in the place of one that sqlx counts already.
pub(super) const OPEN: &str = concat!(
    "/*db-test*/begin; savepoint _sqlx_savepoint_1; ",
    spares_above_checkpoint!()
);

/// What tells the outer transaction from another one in its place, as `COMMIT; BEGIN` leaves it:
/// the moment of its beginning, which no statement of the application can set.
macro_rules! moment {
    () => {
        "select extract(epoch from transaction_timestamp())::text"
    };
}

/// Asks for the moment.
pub(super) const MOMENT: &str = moment!();

/// The outer transaction's moment, and whether the schema has constraints that can be deferred.
const DESCRIBE: &str = concat!(
    "/*db-test*/",
    moment!(),
    ", exists (select from pg_constraint where condeferrable)"
);

/// Checks deferred constraints, then defers again those that are deferred unless somebody says
/// otherwise: there is no statement for that, and they may have changed since the migrations.
const CHECK_CONSTRAINTS: &str = "/*db-test*/set local statement_timeout = 0; set constraints all immediate; \
     do $$ begin execute coalesce((select 'set constraints ' || \
     string_agg(distinct format('%I.%I', nspname, conname), ', ') || ' deferred' from pg_constraint \
     join pg_namespace on pg_namespace.oid = connamespace where condeferred), 'select'); end $$; ";

/// The outer transaction of one test.
pub(super) struct Outer {
    moment: String,
    /// Checks at each release what production checks at each commit; nothing in most schemas.
    pub(super) check_constraints: &'static str,
}

impl Outer {
    /// Whether this is the transaction that began at that moment.
    pub(super) fn began_at(&self, moment: &str) -> bool {
        self.moment == moment
    }
}

/// How long the closing query may take; deferred constraints of a large test are checked in it.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// How deep sqlx believes the connection to be.
pub(super) fn depth(connection: &PgConnection) -> usize {
    Manager::get_transaction_depth(connection)
}

/// Brings sqlx's count up to [`DEPTH`], with a savepoint for each level.
pub(super) async fn deepen(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    while depth(connection) < DEPTH {
        Manager::begin(connection, None).await?;
    }
    Ok(())
}

/// Opens the outer transaction and its spare savepoints.
pub(super) async fn open(connection: &mut PgConnection) -> Result<Outer, sqlx::Error> {
    let row = if depth(connection) == DEPTH {
        let sql = format!("{OPEN}; {DESCRIBE}");
        connection
            .fetch_one(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await?
    } else {
        deepen(connection).await?;
        connection.fetch_one(sqlx::raw_sql(DESCRIBE)).await?
    };
    let deferrable: bool = row.try_get(1)?;
    Ok(Outer {
        moment: row.try_get(0)?,
        check_constraints: if deferrable { CHECK_CONSTRAINTS } else { "" },
    })
}

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
/// the statements that the server has prepared.
const LOOK_BACK: &str = concat!(
    moment!(),
    ", ",
    count_catalog_writes!(),
    ", (select count(*) from pg_prepared_statements)"
);

/// Ends the transaction. A fourth column says whether the connection still has its lane: advisory
/// locks of a session, which are released here, do not mind a rollback (PostgreSQL manual, 13.3.5).
fn end(lane: &LaneId) -> String {
    let release = lane.release_locks();
    format!("{LOOK_BACK}, {release}; rollback; discard sequences")
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
/// rolls it back, and releases what a rollback does not: advisory locks and sequence caches.
pub(super) async fn close(connection: &mut PgConnection, lane: &LaneId, outer: &Outer) -> Verdict {
    let closing = async {
        let checked = format!("{OWN}set constraints all immediate; {}", end(lane));
        match read_verdict(connection, checked, outer).await {
            Err(violation) if violation.as_database_error().is_some() => {
                after_violation(connection, lane, outer, violation).await
            }
            verdict => verdict.unwrap_or_else(Verdict::Unknown),
        }
    };
    tokio::time::timeout(CLOSE_LIMIT, closing)
        .await
        .unwrap_or(Verdict::TooSlow)
}

/// Ends a transaction that the check of the deferred constraints has aborted.
async fn after_violation(
    connection: &mut PgConnection,
    lane: &LaneId,
    outer: &Outer,
    violation: sqlx::Error,
) -> Verdict {
    let sql = format!(
        "{OWN}rollback to savepoint _sqlx_savepoint_1; {}",
        end(lane)
    );
    match read_verdict(connection, sql, outer).await {
        Ok(Verdict::RolledBack) => Verdict::DeferredConstraint(violation),
        verdict => verdict.unwrap_or_else(Verdict::Unknown),
    }
}

async fn read_verdict(
    connection: &mut PgConnection,
    sql: String,
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
    }
    Ok(match (moment == outer.moment, has_lane) {
        (true, true) => Verdict::RolledBack,
        (true, false) => Verdict::ClaimLost,
        _ => Verdict::Replaced,
    })
}

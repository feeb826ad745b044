//! The outer transaction: opened with one query, closed and verified with one query.

use std::io;

use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres, Row};
use sqlx_core::{database::Database, transaction::TransactionManager};

use crate::{
    lane::LaneId,
    tap::{Opened, Tap},
};

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
pub(super) use moment;

/// Asks for the moment.
pub(super) const MOMENT: &str = moment!();

/// Asks for the moment, and whether the schema has constraints that can be deferred.
const DESCRIBE: &str = concat!(
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
pub(super) enum Outer {
    /// It was opened, and waited for.
    Opened(Opened),
    /// It is opened with the first thing that is asked; then the tap knows.
    Deferred(Tap),
}

impl Outer {
    /// What the server said when the transaction was opened; `None` if nothing was asked in it yet.
    fn opened(&self) -> Option<Opened> {
        match self {
            Self::Opened(opened) => Some(opened.clone()),
            Self::Deferred(tap) => tap.opened(),
        }
    }

    /// Whether this is the transaction that began at that moment.
    pub(super) fn began_at(&self, moment: &str) -> bool {
        self.opened().is_some_and(|opened| opened.moment == moment)
    }

    /// Checks at each release what production checks at each commit; nothing in most schemas.
    pub(super) fn check_constraints(&self) -> &'static str {
        match self.opened() {
            Some(opened) if opened.deferrable => CHECK_CONSTRAINTS,
            _ => "",
        }
    }
}

/// How deep sqlx believes the connection to be.
pub(super) fn depth(connection: &PgConnection) -> usize {
    Manager::get_transaction_depth(connection)
}

/// Brings sqlx's count up to [`DEPTH`], with a savepoint for each level.
pub(crate) async fn deepen(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    while depth(connection) < DEPTH {
        Manager::begin(connection, None).await?;
    }
    Ok(())
}

/// Opens the outer transaction and its spare savepoints, or leaves that to the tap.
pub(super) async fn open(
    connection: &mut PgConnection,
    lane: &LaneId,
) -> Result<Outer, sqlx::Error> {
    if lane.tap.has_ended() {
        return Err(sqlx::Error::Io(io::ErrorKind::BrokenPipe.into()));
    }
    let opening = |is_described| {
        let describe = if is_described { MOMENT } else { DESCRIBE };
        format!("{OPEN}; {describe}")
    };
    if depth(connection) == DEPTH && lane.tap.defer_opening(opening) {
        return Ok(Outer::Deferred(lane.tap.clone()));
    }
    let sql = if depth(connection) == DEPTH {
        opening(false)
    } else {
        deepen(connection).await?;
        format!("{OWN}{DESCRIBE}")
    };
    let row = connection
        .fetch_one(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await?;
    Ok(Outer::Opened(Opened {
        moment: row.try_get(0)?,
        deferrable: row.try_get(1)?,
    }))
}

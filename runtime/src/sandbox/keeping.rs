//! The end of a test whose rows are kept: committed instead of rolled back, in a database that is
//! set aside.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::{
    Sandbox, Trouble,
    ending::{Ending, Escape},
    transaction::{self, Outer},
};
use crate::{
    database::Mark,
    keep::Keeping,
    lane::{Cut, Lane, LaneId, leave},
    outcome::Outcome,
    report::chain,
    session::Active,
};

/// How long the commit may take; deferred constraints of a large test are checked in it.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);

/// What was committed of a test.
enum Committed {
    All,
    /// What was written since the connection was last acquired could not be.
    AllButTheLast(sqlx::Error),
    /// What was written in the transaction that took the place of the test's.
    AnotherTransaction,
}

impl Sandbox {
    /// Whether the database is kept of a test that has ended like this, and can be.
    pub(super) fn is_kept(
        &self,
        active: &Active,
        id: &LaneId,
        outcome: &Outcome,
        keeping: &Keeping,
    ) -> bool {
        let troubled = {
            let trouble = self.core.trouble();
            trouble.escape.is_some() || trouble.violation.is_some()
        };
        let wanted = keeping.wants(outcome) || (troubled && keeping.is_asked_for());
        if wanted && id.own.is_none() {
            keeping.refuse(format_args!(
                "the role `{}` may not create databases, so all tests share one\nrun: ALTER ROLE \"{0}\" CREATEDB;",
                active.lanes().server().owner()
            ));
        }
        wanted && id.own.is_some()
    }

    /// Commits what the test has written, and sets its database aside.
    pub(super) async fn keep(
        &self,
        active: &Active,
        lane: Lane,
        outer: &Outer,
        keeping: &Keeping,
    ) -> Ending {
        let Lane { id, mut connection } = lane;
        let Trouble {
            escape, violation, ..
        } = std::mem::take(&mut *self.core.trouble());
        let committed = tokio::time::timeout(COMMIT_LIMIT, commit(&mut connection, outer)).await;
        if let (Ok(_), Some(database)) = (&committed, &id.own) {
            let server = active.lanes().server();
            leave(&mut connection, server, database, &Mark::leaving())
                .await
                .ok();
            // In good order, or else the commit may still be under way when the database is renamed.
            tokio::time::timeout(COMMIT_LIMIT, connection.close())
                .await
                .ok();
        }
        let committed = match committed {
            Ok(Ok(committed)) => committed,
            Ok(Err(error)) => return not_committed(active, id, keeping, &chain(&error)),
            Err(_) => {
                let why = "the server did not answer in time";
                return not_committed(active, id, keeping, why);
            }
        };
        if violation.is_some() || matches!(committed, Committed::AllButTheLast(_)) {
            keeping.tell("without what violates the constraint and was written with it".to_owned());
        }
        let kept = set_aside(active, id, keeping).await;
        match (escape, committed) {
            (Some(escape), _) => Ending::Escaped(escape),
            (None, Committed::AnotherTransaction) => Ending::Escaped(Escape::EndedByStatement),
            (None, Committed::AllButTheLast(error)) => Ending::DeferredConstraint(error),
            (None, Committed::All) => match violation {
                Some(error) => Ending::DeferredConstraint(error),
                None if kept => Ending::Kept,
                None => Ending::ThrownAway { left: Vec::new() },
            },
        }
    }

    /// Gives up the lane of a test whose connection is lost, unless it made something permanent.
    pub(super) async fn give_up(
        &self,
        active: &Active,
        id: LaneId,
        outcome: &Outcome,
        keeping: &Keeping,
    ) {
        let escaped = self.core.trouble().escape.is_some();
        if escaped && keeping.is_asked_for() {
            set_aside(active, id, keeping).await;
            return;
        }
        keeping.has_nothing_of(outcome, "its transaction ended with its connection");
        active.lanes().discard(id, Cut::Holder);
    }
}

/// Sets a database aside whose connection is closed or lost, or else gives it up.
async fn set_aside(active: &Active, id: LaneId, keeping: &Keeping) -> bool {
    let kept = keeping.set_aside(active.lanes().server(), &id).await;
    if !kept {
        active.lanes().discard(id, Cut::Everybody);
    }
    kept
}

fn not_committed(active: &Active, id: LaneId, keeping: &Keeping, why: &str) -> Ending {
    keeping.refuse(format_args!(
        "what the test wrote could not be committed: {why}"
    ));
    active.lanes().discard(id, Cut::Holder);
    Ending::Unverified(why.to_owned())
}

/// Commits the transaction, if need be without what violates a deferred constraint.
async fn commit(connection: &mut PgConnection, outer: &Outer) -> Result<Committed, sqlx::Error> {
    let moment = transaction::MOMENT;
    let checked = format!("set constraints all immediate; {moment}; commit");
    let (row, violation) = match fetch(connection, checked).await {
        Err(violation) if violation.as_database_error().is_some() => {
            let sql = format!("rollback to savepoint _sqlx_savepoint_1; {moment}; commit");
            (fetch(connection, sql).await?, Some(violation))
        }
        result => (result?, None),
    };
    Ok(match violation {
        _ if !outer.began_at(row.try_get(0)?) => Committed::AnotherTransaction,
        Some(violation) => Committed::AllButTheLast(violation),
        None => Committed::All,
    })
}

async fn fetch(
    connection: &mut PgConnection,
    sql: String,
) -> Result<sqlx::postgres::PgRow, sqlx::Error> {
    connection
        .fetch_one(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await
}

//! Getting a lane's connection back when its test has ended.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::{Sandbox, activity};
use crate::{keep::Keeping, lane::LaneId, outcome::Outcome, session::Active};

/// How long a test's end waits for a task that still uses the connection.
const RECLAIM_LIMIT: Duration = Duration::from_secs(2);

impl Sandbox {
    /// Takes the connection back; if need be, and if the test is to be kept, by cancelling the
    /// statement that holds it up.
    pub(super) async fn reclaim_or_interrupt(
        &self,
        active: &Active,
        id: &LaneId,
        outcome: &Outcome,
        keeping: &Keeping,
    ) -> Option<PgConnection> {
        match self.reclaim(outcome).await {
            None if id.own.is_some() && keeping.wants(outcome) => {
                self.interrupt(active, id.backend, keeping).await
            }
            reclaimed => reclaimed,
        }
    }

    async fn interrupt(
        &self,
        active: &Active,
        backend: i32,
        keeping: &Keeping,
    ) -> Option<PgConnection> {
        let server = active.lanes().server();
        let activity = activity::of(server, backend).await?;
        let mut door = server.door().await.ok()?;
        let cancel = sqlx::query("select pg_cancel_backend($1)").bind(backend);
        let cancelled = cancel.execute(&mut door).await;
        door.close().await.ok();
        cancelled.ok()?;
        let connection = self.reclaim(&Outcome::Passed).await?;
        keeping.tell(format!(
            "what was under way is undone, the rest is kept; {activity}"
        ));
        Some(connection)
    }

    /// Gets the lane's connection back from wherever it is; `None` when it is lost, or held by
    /// something that outlives the test.
    async fn reclaim(&self, outcome: &Outcome) -> Option<PgConnection> {
        let limit = match outcome {
            // Its connection is likely in the middle of the statement that took so long.
            Outcome::TimedOut(_) => RECLAIM_LIMIT / 20,
            _ => RECLAIM_LIMIT,
        };
        let reclaiming = async {
            // It is here unless somebody has acquired it, or is still releasing it.
            match self.core.settled().await {
                Some(settled) => settled.ok(),
                None => Some(self.pool.acquire().await.ok()?.detach()),
            }
        };
        tokio::time::timeout(limit, reclaiming).await.ok()?
    }
}

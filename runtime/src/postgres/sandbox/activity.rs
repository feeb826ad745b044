//! What a connection is doing, asked on another one.

use std::{fmt::Write, time::Duration};

use sqlx::{Connection, Row};

use crate::postgres::server::Server;

/// How long the question may take: a test that has failed already waits for the answer.
const LIMIT: Duration = Duration::from_secs(3);

/// The longest part of a statement that is shown, in characters.
const SHOWN: i32 = 300;

/// What the backend with this process id is doing and waiting for, in words.
pub(super) async fn of(server: &Server, backend: i32) -> Option<String> {
    tokio::time::timeout(LIMIT, ask(server, backend))
        .await
        .ok()?
}

async fn ask(server: &Server, backend: i32) -> Option<String> {
    let mut maintenance = server.maintenance().await.ok()?;
    let row = sqlx::query(
        "select state, extract(epoch from clock_timestamp() - state_change)::float8, \
         left(query, $2), wait_event_type, wait_event, \
         (select string_agg(pid::text, ', ') from unnest(pg_blocking_pids(pid)) as pid) \
         from pg_stat_activity where pid = $1",
    )
    .bind(backend)
    .bind(SHOWN)
    .fetch_optional(&mut maintenance)
    .await;
    maintenance.close().await.ok();
    let row = row.ok()??;
    let state: Option<String> = row.try_get(0).ok()?;
    let seconds: Option<f64> = row.try_get(1).ok()?;
    let query: Option<String> = row.try_get(2).ok()?;
    let (kind, event): (Option<String>, Option<String>) =
        (row.try_get(3).ok()?, row.try_get(4).ok()?);
    let blockers: Option<String> = row.try_get(5).ok()?;
    let (seconds, query) = (seconds.unwrap_or_default(), query.unwrap_or_default());
    let mut text = match state.as_deref() {
        Some("active") => format!("its connection had been busy for {seconds:.1} s with: {query}"),
        _ => format!(
            "its connection was idle; the last statement, {seconds:.1} s before, was: {query}"
        ),
    };
    if let (Some("active"), Some(kind), Some(event)) = (state.as_deref(), kind, event) {
        write!(text, "\nit was waiting for {kind} {event}").ok();
    }
    if let Some(blockers) = blockers {
        write!(text, "\nit was blocked by the backends {blockers}").ok();
    }
    Some(text)
}

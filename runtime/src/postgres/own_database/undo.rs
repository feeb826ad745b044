//! Undoing what a test has committed to its own database, where that is cheaper than another clone
//! and proved to be complete.
//!
//! A table that is empty in the template is truncated, and a sequence is set back. Everything else
//! (a definition, a row that the migrations or the seed have made) takes another clone. What was
//! written is known by [`Counts`], not by what the test was seen to send.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::counts::{Counts, LOOK, REPORT};
use crate::postgres::{lane::Lane, server::Server, template::EmptyTables, upstream::Row};

/// How long the server may take to end the connections that the test has left.
const QUIET_LIMIT: Duration = Duration::from_secs(2);

/// How long they may end by themselves.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often they are counted.
const PAUSE: Duration = Duration::from_millis(1);

/// The other connections of clients to this database.
const OTHERS: &str = "from pg_stat_get_activity(null) \
    where datid = (select oid from pg_database where datname = current_database()) and usesysid is not null and pid <> pg_backend_pid()";

/// Since when a backend's counts are complete when it is gone.
const COUNTS_ARE_COMPLETE: u32 = 150_000;

/// The state of a database before a test.
pub(super) struct Before(Counts);

impl Before {
    /// Looks at the database of a test that is about to begin; none where nothing could be proved
    /// later.
    pub(super) async fn look(lane: &Lane, empty: &EmptyTables) -> Option<Self> {
        if lane.id.server_version < Some(COUNTS_ARE_COMPLETE) {
            return None;
        }
        lane.proxy.ask(REPORT.to_owned()).await.ok()?;
        let counts = Counts::read(lane.proxy.ask(LOOK.to_owned()).await.ok()?)?;
        empty.add(&counts.empty);
        Some(Self(counts))
    }

    /// Undoes what has been written since.
    ///
    /// # Errors
    ///
    /// Says what was changed that cannot be undone, or cannot be proved to be.
    pub(super) async fn restore(
        &self,
        lane: &Lane,
        server: &Server,
        empty: &EmptyTables,
    ) -> Result<(), String> {
        let difference = quiet(lane, server).await?.since(&self.0);
        if let Some(beyond) = difference.beyond {
            return Err(format!("the test has changed {beyond}"));
        }
        if !difference.tables.is_empty() {
            let rows = ask(lane, referencing(&difference.tables)).await?;
            let names = truncatable(rows, empty)?.join(", only ");
            ask(lane, server.as_owner(format!("truncate only {names}"))).await?;
        }
        if !difference.sequences.is_empty() {
            let sql = server.as_owner(lane.id.restore.of(&difference.sequences));
            let set = ask(lane, sql).await?.into_iter().flatten().next().flatten();
            // A sequence that the owner may not set is left out.
            if set != Some(difference.sequences.len().to_string()) {
                return Err("the test has used a sequence that cannot be set back".to_owned());
            }
        }
        Ok(())
    }
}

/// Waits until nobody else is connected, and looks; who stays is cut off.
async fn quiet(lane: &Lane, server: &Server) -> Result<Counts, String> {
    let (began, mut has_cut) = (Instant::now(), false);
    while is_connected(lane).await? {
        if began.elapsed() > QUIET_LIMIT {
            return Err("a connection to it does not end".to_owned());
        }
        if began.elapsed() > PATIENCE && !std::mem::replace(&mut has_cut, true) {
            ask(
                lane,
                server.as_owner(format!("select pg_terminate_backend(pid) {OTHERS}")),
            )
            .await?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let counts =
        Counts::read(ask(lane, LOOK.to_owned()).await?).ok_or("the counts could not be read")?;
    if counts.connections > 0 {
        return Err("there is another connection to it".to_owned());
    }
    Ok(counts)
}

async fn is_connected(lane: &Lane) -> Result<bool, String> {
    // Without the view, whose joins take the server longer than the answer.
    let rows = ask(lane, format!("select exists (select {OTHERS})")).await?;
    let answer = rows.into_iter().flatten().next().flatten();
    Ok(answer.as_deref() != Some("f"))
}

async fn ask(lane: &Lane, sql: String) -> Result<Vec<Row>, String> {
    lane.proxy.ask(sql).await.map_err(|error| error.to_string())
}

/// The tables, and those that refer to them: they have to be truncated together.
fn referencing(tables: &[u32]) -> String {
    let ids: Vec<_> = tables.iter().map(u32::to_string).collect();
    let ids = ids.join(", ");
    format!(
        "with recursive written (id) as (select unnest(array[{ids}]::oid[]) \
           union select conrelid from pg_constraint join written on confrelid = id where contype = 'f') \
         select id::text, format('%I.%I', nspname, relname), \
           relkind <> 'r' or exists (select from pg_trigger where tgrelid = id and tgtype & 32 <> 0) \
         from written join pg_class c on c.oid = id join pg_namespace n on n.oid = relnamespace"
    )
}

/// The names of the tables; an error if one of them was not empty, or has a trigger that a
/// `truncate` would fire.
fn truncatable(rows: Vec<Row>, empty: &EmptyTables) -> Result<Vec<String>, String> {
    let mut names = BTreeMap::new();
    for row in rows {
        let [Some(id), Some(name), Some(is_special)] = <[_; 3]>::try_from(row).unwrap_or_default()
        else {
            return Err("the written tables could not be read".to_owned());
        };
        if is_special == "t" || !id.parse().is_ok_and(|id| empty.contains(id)) {
            return Err(format!(
                "the test has written to `{name}`, which cannot be emptied"
            ));
        }
        names.insert(id, name);
    }
    Ok(names.into_values().collect())
}

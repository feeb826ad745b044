//! What statements did, as far as it concerns other clients.

use std::{rc::Rc, sync::Arc};

use super::Engine;
use crate::postgres::{
    proxy::{
        api::{ClientId, Event, Finding, FindingKind},
        client::Check,
        control::{Info, PreparedVerb, ReadsClock, Verb},
        entanglement::{Done, hash, hash_parameters},
        expected::{Execution, Expected},
        protocol::{Body, error_field, rows_of},
    },
    sqlstate,
};

/// What tags begin with after which the schema may be another.
const DEFINITIONS: [&[u8]; 7] = [
    b"CREATE",
    b"ALTER",
    b"DROP",
    b"DO",
    b"CALL",
    b"REINDEX",
    b"DISCARD TEMP",
];

impl Engine {
    /// Errors that come of two clients on one backend.
    pub(super) fn find_in_error(&mut self, id: ClientId, code: &str, error: &[u8]) {
        let Some(Expected::Execute(execution) | Expected::Simple(execution)) =
            self.backend.answers.front()
        else {
            return;
        };
        let Some(info) = execution
            .infos
            .get(execution.done)
            .or(execution.infos.first())
            .cloned()
        else {
            return;
        };
        let sql = Arc::clone(&execution.sql);
        let mut found = Vec::new();
        if is_violation(code) {
            found = self.violated(id, &sql, &info, error);
        } else if code == sqlstate::READ_ONLY_SQL_TRANSACTION
            && let Some(other) = self.reads_only_for(id)
        {
            let last = self
                .client(other)
                .transaction
                .as_ref()
                .and_then(|open| open.last.clone());
            found = self.journal.report(Finding {
                kind: FindingKind::ReadOnly,
                first: (other, last.unwrap_or_else(|| "begin".into())),
                second: (id, sql),
            });
        } else if let Some((name, _)) = info.temporary.as_ref()
            && code == sqlstate::DUPLICATE_TABLE
            && let Some(other) = self.who_has_the_name(id, code)
        {
            let first = (other, format!("create temporary table {name}").into());
            found = self.journal.report(Finding {
                kind: FindingKind::TemporaryTable,
                first,
                second: (id, sql),
            });
        }
        self.events
            .extend(found.into_iter().map(Event::Entanglement));
    }

    /// A check of deferred constraints that failed, perhaps because of what another client has not
    /// committed.
    pub(super) fn find_in_check(&mut self, id: ClientId, error: &[u8]) {
        if !is_violation(error_field(error, b'C').unwrap_or_default()) {
            return;
        }
        let sql = match self.unit(id).checking {
            Some(Check::Auto) => self.unit_text(id),
            _ => Arc::from("commit"),
        };
        let found = self.violated(id, &sql, &Rc::default(), error);
        self.events
            .extend(found.into_iter().map(Event::Entanglement));
    }

    fn violated(
        &mut self,
        id: ClientId,
        sql: &Arc<str>,
        info: &Rc<Info>,
        error: &[u8],
    ) -> Vec<Finding> {
        let done = Done {
            client: id,
            sql,
            info,
            values: Vec::new(),
            rows: None,
            is_counted: true,
        };
        self.journal.violated(&done, &violated_tables(error))
    }

    /// Whether a statement matters to others. Outside of transactions nobody meets; a client that
    /// is alone can be read by one that comes later, so what it writes matters.
    pub(super) fn is_observed(&self) -> bool {
        let writes = || match self.backend.answers.front() {
            Some(Expected::Execute(execution) | Expected::Simple(execution)) => {
                let info = execution.infos.get(execution.done);
                info.is_some_and(|info| info.access.verb != Verb::Read)
            }
            _ => false,
        };
        self.stack.holder().is_some() && (self.clients.len() > 1 || writes())
    }

    /// A statement was executed.
    pub(super) fn completed(&mut self, id: ClientId, tag: &[u8], done: Option<Part>) {
        if DEFINITIONS
            .iter()
            .any(|definition| tag.starts_with(definition))
        {
            self.unit(id).changed_schema = true;
        }
        if let Some(record) = &mut self.unit(id).record {
            record.rows = rows_of(tag);
        }
        let Some(part) = done else {
            return;
        };
        if let Some(open) = &mut self.client(id).transaction {
            open.last = Some(Arc::clone(&part.sql));
        }
        if let Some(prepared) = &part.info.prepared {
            // It outlives what fails after it.
            let names = &mut self.unit(id).sql_prepared;
            names.retain(|name| *name != prepared.name);
            let known = &mut self.client(id).sql_prepared;
            match prepared.verb {
                PreparedVerb::Prepare => drop(known.insert(prepared.name.clone())),
                PreparedVerb::Deallocate => drop(known.remove(&prepared.name)),
                PreparedVerb::Execute => {}
            }
        }
        if let Some(cursor) = &part.info.holdable_cursor {
            self.client(id).holdable_cursors.push(cursor.clone());
        }
        let stands_still = match part.info.reads_clock {
            Some(ReadsClock::Call) => self.moving_clock.is_none(),
            Some(ReadsClock::Keyword) => true,
            None => false,
        };
        let found = self.clock.answered(self.now, id, &part.sql, stands_still);
        self.events.extend(found.map(Event::Entanglement));
        self.note_advisory_locks(id, &part);
        let unit = self.unit(id);
        unit.last = Some(Arc::clone(&part.sql));
        if self.stack.holder().is_none() {
            return;
        }
        let writes = matches!(part.info.access.verb, Verb::Insert | Verb::Change);
        let found = self.journal.observe(Done {
            client: id,
            sql: &part.sql,
            info: &part.info,
            values: part.values,
            rows: rows_of(tag),
            is_counted: !(tag.starts_with(b"SELECT") && writes),
        });
        self.events
            .extend(found.into_iter().map(Event::Entanglement));
    }

    /// Advisory locks last longer than what holds them, so they are noted with one client, too.
    fn note_advisory_locks(&mut self, id: ClientId, part: &Part) {
        for (call, key) in part.info.advisory.iter().zip(&part.advisory_keys) {
            let Some(key) = key else { continue };
            let lasts = self.client(id).transaction.is_some() || self.unit(id).is_block();
            let found = self
                .advisory_locks
                .answered(id, call, key, &part.sql, lasts);
            let found = found
                .into_iter()
                .flat_map(|found| self.journal.report(found));
            self.events.extend(found.map(Event::Entanglement));
        }
    }
}

/// Whether an error may be about rows that production's statement would have waited for.
fn is_violation(code: &str) -> bool {
    matches!(
        code,
        sqlstate::UNIQUE_VIOLATION
            | sqlstate::FOREIGN_KEY_VIOLATION
            | sqlstate::EXCLUSION_VIOLATION
    )
}

/// The tables that a violated constraint is about: a trigger's write or a foreign key's check names
/// one that the statement does not.
fn violated_tables(error: &[u8]) -> Vec<&str> {
    let other = error_field(error, b'D')
        .and_then(|detail| detail.split_once(" table \""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(table, _)| table);
    error_field(error, b't').into_iter().chain(other).collect()
}

/// One statement of those that were sent together.
pub(super) struct Part {
    sql: Arc<str>,
    info: Rc<Info>,
    values: Vec<u64>,
    /// The keys of its calls about advisory locks, where they are known.
    advisory_keys: Vec<Option<String>>,
}

/// Notes that the next part of an execution is done; gives the part and what is known of it.
pub(super) fn complete(execution: &mut Execution, tag: &[u8], is_observed: bool) -> Option<Part> {
    execution.rows = rows_of(tag);
    let info = execution.infos.get(execution.done).cloned();
    execution.done += 1;
    let mut values = std::mem::take(&mut execution.values);
    if is_observed {
        values.extend(hash_parameters(&execution.parameters));
    }
    let info = info?;
    let calls = info.advisory.iter();
    Some(Part {
        sql: Arc::clone(&execution.sql),
        advisory_keys: calls.map(|call| call.key(&execution.parameters)).collect(),
        info,
        values,
    })
}

/// Remembers what a write returned, by which its rows can be recognized.
pub(super) fn collect(execution: &mut Execution, row: &[u8]) {
    let Some(info) = execution.infos.get(execution.done) else {
        return;
    };
    if info.access.verb == Verb::Read || execution.values.len() >= 64 {
        return;
    }
    let mut row = Body(row);
    let count = row.i16().unwrap_or(0);
    let values = (0..count).map_while(|_| row.value()).flatten();
    execution.values.extend(values.filter_map(hash));
}

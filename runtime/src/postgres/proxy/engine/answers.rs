//! What the backend says, and who is to hear it.

use std::rc::Rc;

use super::Engine;
use crate::{
    postgres::{
        proxy::{
            api::{ClientId, Event, Finding, FindingKind, NOTIFY_SQLSTATE},
            client::UnitKind,
            entanglement::{Done, hash, hash_parameters},
            expected::{Execution, Expected, Own},
            protocol::{Body, Kind, columns, error_field, rows_of},
            statements::State,
        },
        sqlstate,
    },
    recording::ServerError,
};

/// Where the way out of a limit is described.
const WAY_OUT: &str = "db-test: this test runs in one transaction, where the server refuses this; \
    `#[db_test(isolation = \"database\")]` gives it a database of its own.";

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
    pub(super) fn hear_backend(&mut self) {
        let mut inbox = std::mem::take(&mut self.backend.inbox);
        if inbox.cut(true).is_err() {
            self.break_off("the server sent a message of impossible length".to_owned());
        }
        while let (Some((kind, body)), Some(whole)) = (inbox.front(), inbox.front_whole()) {
            self.hear_message(kind, body, whole);
            inbox.pop();
        }
        self.backend.inbox = inbox;
        // The server's last words say more.
        if let Some(why) = self.backend.closed.take() {
            self.break_off(why);
        }
    }

    fn hear_message(&mut self, kind: Kind, body: &[u8], whole: &[u8]) {
        match kind {
            b'S' => return self.parameter_changed(body),
            b'N' => return self.hear_notice(body, whole),
            b'A' => return,
            b'E' if matches!(error_field(body, b'V'), Some("FATAL" | "PANIC")) => {
                let text = error_field(body, b'M').unwrap_or_default();
                return self.break_off(text.to_owned());
            }
            _ => {}
        }
        match self.backend.answers.front() {
            None if kind == b'E' => self.break_off(describe(body)),
            None => {}
            Some(Expected::Own(_)) => self.hear_own(kind, body, whole),
            Some(_) => match self.active {
                Some(id) => self.hear_for_client(id, kind, body, whole),
                None => self.break_off("an answer for nobody".to_owned()),
            },
        }
    }

    fn parameter_changed(&mut self, body: &[u8]) {
        let mut body = Body(body);
        if let (Some(name), Some(value)) = (body.text(), body.text()) {
            self.backend.reported.insert(name.into(), value.into());
            self.backend.revision += 1;
        }
    }

    fn hear_notice(&mut self, body: &[u8], whole: &[u8]) {
        let is_own = matches!(self.backend.answers.front(), None | Some(Expected::Own(_)));
        let Some(id) = self.active else { return };
        if error_field(body, b'C') == Some(NOTIFY_SQLSTATE) {
            let field = |kind| error_field(body, kind).unwrap_or_default().to_owned();
            let note = (field(b'M'), field(b'D'));
            self.pending(id).notes.push(note);
        } else if !is_own {
            self.forward(id, whole);
        }
    }

    pub(super) fn forward(&mut self, id: ClientId, whole: &[u8]) {
        let client = self.client(id);
        if !client.is_deaf() {
            client.out.extend_from_slice(whole);
        }
    }

    /// Answers to queries of the proxy's own.
    fn hear_own(&mut self, kind: Kind, body: &[u8], whole: &[u8]) {
        let Some(Expected::Own(own)) = self.backend.answers.front() else {
            return;
        };
        match (own, kind) {
            (Own::Opening, b'D') => {
                let mut row = columns(body).into_iter();
                let (defer, count) = (row.next().flatten(), row.next().flatten());
                let any = count.is_some_and(|count| count != "0");
                self.deferred = any.then(|| defer.unwrap_or_default());
            }
            (Own::Values(owner, names), b'D') => {
                let (owner, names) = (*owner, names.clone());
                self.values_known(owner, &names, body);
            }
            (Own::Closing, b'D') => {
                if let Some(ending) = &mut self.ending {
                    ending.row = columns(body);
                }
            }
            (Own::Closing, b'E') => {
                let code = error_field(body, b'C').unwrap_or_default().to_owned();
                if let Some(ending) = &mut self.ending {
                    ending.error.get_or_insert((code, describe(body)));
                }
            }
            (Own::Mark, b'E') => self.mark_error = Some(describe(body)),
            (Own::Check, b'E') => self.check_failed(body, whole),
            (Own::After, b'E') => {
                self.break_off(format!("what follows a test failed: {}", describe(body)));
            }
            (_, b'E') => self.break_off(format!(
                "a statement of the sandbox failed: {}",
                describe(body)
            )),
            (_, b'Z') => self.own_answered(body),
            _ => {}
        }
    }

    fn own_answered(&mut self, status: &[u8]) {
        let Some(Expected::Own(own)) = self.backend.answers.pop() else {
            return;
        };
        match own {
            Own::Check => {
                if let Some(id) = self.active {
                    let holds = !self.unit(id).failed;
                    self.checked(id, holds);
                }
            }
            Own::Mark => self.mark_answered(),
            Own::Closing => self.closed(status),
            Own::After => self.after_answered(),
            _ if status == b"I" && self.backend.is_open => self.escaped(),
            _ => {}
        }
        self.tell_local();
    }

    fn check_failed(&mut self, body: &[u8], whole: &[u8]) {
        let Some(id) = self.active else { return };
        // After the failure of the statement itself, nothing could be checked.
        if self.unit(id).failed {
            return;
        }
        let unit = self.unit(id);
        unit.failed = true;
        unit.backend_failed = true;
        unit.held.clear();
        unit.error = Some(server_error(body));
        if unit.checking != Some(super::super::client::Check::Auto) {
            self.record_commit_failed(id, body);
        }
        self.forward(id, whole);
    }

    fn hear_for_client(&mut self, id: ClientId, kind: Kind, body: &[u8], whole: &[u8]) {
        if matches!(self.backend.answers.front(), Some(Expected::Local(_))) {
            self.tell_local();
            return self.hear_message(kind, body, whole);
        }
        if kind == b'E' {
            return self.hear_error(id, body, whole);
        }
        match self.backend.answers.front_mut() {
            Some(Expected::Simple(execution)) => match kind {
                b'Z' => {
                    self.backend.answers.pop();
                    self.ready(id, body);
                    self.tell_local();
                }
                b'C' => {
                    let done = complete(execution, body);
                    let is_whole = execution.done >= execution.infos.len();
                    self.completed(id, body, done);
                    self.release_held(id);
                    // A commit that fails is heard in the place of the tag.
                    let checks =
                        self.deferred.is_some() && self.unit(id).must_check && self.unit(id).hidden;
                    if is_whole && (self.unit(id).checking.is_some() || checks) {
                        self.unit(id).held = whole.to_vec();
                    } else {
                        self.forward(id, whole);
                    }
                }
                _ => {
                    if kind == b'D' {
                        collect(execution, body);
                    }
                    self.unit(id).copying |= kind == b'G';
                    self.forward(id, whole);
                }
            },
            Some(Expected::Execute(execution)) => {
                let done = match kind {
                    b'C' => Some(complete(execution, body)),
                    b'D' => {
                        collect(execution, body);
                        None
                    }
                    _ => None,
                };
                self.forward(id, whole);
                match kind {
                    b'C' => {
                        let popped = self.backend.answers.pop();
                        self.completed(id, body, done.unwrap_or(None));
                        self.record_execution(id, popped, None);
                        self.tell_local();
                    }
                    b'I' | b's' => {
                        let popped = self.backend.answers.pop();
                        self.record_execution(id, popped, None);
                        self.tell_local();
                    }
                    b'G' => self.copy_in_begins(id),
                    _ => {}
                }
            }
            Some(Expected::Sync) if kind == b'Z' => {
                self.backend.answers.pop();
                self.ready(id, body);
                self.tell_local();
            }
            Some(Expected::Reparse(prepared)) => {
                prepared.state.set(State::Known);
                self.backend.answers.pop();
                self.tell_local();
            }
            Some(Expected::Parse(prepared)) => {
                if kind == b'1' {
                    prepared.state.set(State::Known);
                }
                self.answered(id, whole);
            }
            Some(Expected::Describe(prepared)) => {
                let prepared = prepared.clone();
                self.backend.answers.described.extend_from_slice(whole);
                if kind == b't' {
                    return self.forward(id, whole);
                }
                let described = std::mem::take(&mut self.backend.answers.described);
                if let Some(prepared) = prepared {
                    *prepared.described.borrow_mut() = Some(Rc::from(described));
                }
                self.answered(id, whole);
            }
            Some(Expected::Bind | Expected::Close) => self.answered(id, whole),
            _ => self.forward(id, whole),
        }
    }

    fn answered(&mut self, id: ClientId, whole: &[u8]) {
        self.forward(id, whole);
        self.backend.answers.pop();
        self.tell_local();
    }

    /// Says what the proxy answers itself, if it is its turn.
    fn tell_local(&mut self) {
        let Some(id) = self.active else { return };
        let mut out = Vec::new();
        while self.backend.answers.pop_local(&mut out) {}
        if !out.is_empty() {
            self.forward(id, &out);
        }
    }

    /// The backend is in a transaction, or something has ended it.
    fn ready(&mut self, id: ClientId, status: &[u8]) {
        if status == b"I" {
            self.escaped();
        } else if status == b"E" {
            self.unit(id).backend_failed = true;
        }
    }

    fn escaped(&mut self) {
        self.break_off("the test's transaction has ended too early".to_owned());
    }

    /// The server takes rows now. A Sync that came before them is lost.
    fn copy_in_begins(&mut self, id: ClientId) {
        self.unit(id).copying = true;
        if self.backend.answers.forget_sync() {
            self.unit(id).kind = UnitKind::Extended { synced: false };
            self.unit(id).checking = None;
        }
    }

    fn hear_error(&mut self, id: ClientId, body: &[u8], whole: &[u8]) {
        self.release_held(id);
        match with_way_out(self.is_limit(id, body), body) {
            Some(message) => self.forward(id, &message),
            None => self.forward(id, whole),
        }
        let code = error_field(body, b'C').unwrap_or_default();
        let message = error_field(body, b'M').unwrap_or_default();
        let is_stale = message.starts_with("cached plan must not")
            || code == sqlstate::INVALID_SQL_STATEMENT_NAME;
        self.find_in_error(id, code);
        let unit = self.unit(id);
        unit.failed = true;
        unit.copying = false;
        unit.backend_failed = true;
        unit.changed_schema |= is_stale;
        unit.error = Some(server_error(body));
        self.backend.answers.described.clear();
        // In the extended protocol, the server skips what comes until the Sync.
        while let Some(expected) = self.backend.answers.front() {
            match expected {
                Expected::Sync | Expected::Simple(_) => break,
                Expected::Parse(prepared) | Expected::Reparse(prepared) => {
                    let failed = Rc::clone(prepared);
                    failed.state.set(State::New);
                    let statements = &mut self.client(id).statements;
                    statements.retain(|_, statement| !Rc::ptr_eq(statement, &failed));
                    self.backend.answers.pop();
                    self.record_unprepared(id, &failed.sql);
                }
                Expected::Execute(_) => {
                    let popped = self.backend.answers.pop();
                    self.record_execution(id, popped, Some(body));
                }
                _ => drop(self.backend.answers.pop()),
            }
        }
    }

    /// Whether production would not have refused this.
    fn is_limit(&mut self, id: ClientId, body: &[u8]) -> bool {
        let is_in_block = self.client(id).transaction.is_some() || self.unit(id).is_block();
        match error_field(body, b'C') {
            Some(sqlstate::INVALID_TRANSACTION_TERMINATION | sqlstate::ACTIVE_SQL_TRANSACTION) => {
                !is_in_block
            }
            Some(sqlstate::UNSAFE_NEW_ENUM_VALUE_USAGE) => true,
            Some(sqlstate::READ_ONLY_SQL_TRANSACTION) => self.reads_only_for(id).is_some(),
            _ => false,
        }
    }

    /// Whose read-only transaction a client that may write is in.
    fn reads_only_for(&mut self, id: ClientId) -> Option<ClientId> {
        if self
            .client(id)
            .transaction
            .as_ref()
            .is_some_and(|open| open.read_only)
        {
            return None;
        }
        let reads_only = |(other, client): (&ClientId, &super::Client)| {
            let open = client.transaction.as_ref()?;
            (*other != id && open.entered && open.read_only).then_some(*other)
        };
        self.clients.iter().find_map(reads_only)
    }

    /// Errors that come of two clients on one backend.
    fn find_in_error(&mut self, id: ClientId, code: &str) {
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
        let sql = std::sync::Arc::clone(&execution.sql);
        let mut found = Vec::new();
        if code == sqlstate::UNIQUE_VIOLATION {
            found = self.journal.violated(&Done {
                client: id,
                sql: &sql,
                info: &info,
                values: &[],
                rows: None,
            });
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
        } else if let Some((name, _)) = info.temporary.as_ref().filter(|_| code == "42P07")
            && let Some(other) = self.clients.iter().find(|(other, client)| {
                let known = client.temporaries.iter().chain(&client.pending.temporaries);
                **other != id && known.into_iter().any(|(known, _)| known == name)
            })
        {
            let first = (*other.0, format!("create temporary table {name}").into());
            found = self.journal.report(Finding {
                kind: FindingKind::TemporaryTable,
                first,
                second: (id, sql),
            });
        }
        self.events
            .extend(found.into_iter().map(Event::Entanglement));
    }

    /// A statement was executed.
    fn completed(
        &mut self,
        id: ClientId,
        tag: &[u8],
        done: Option<(Rc<super::super::control::Info>, Execution)>,
    ) {
        if DEFINITIONS
            .iter()
            .any(|definition| tag.starts_with(definition))
        {
            self.unit(id).changed_schema = true;
        }
        if let Some(record) = &mut self.unit(id).record {
            record.rows = rows_of(tag);
        }
        let Some((info, mut execution)) = done else {
            return;
        };
        if let Some(open) = &mut self.client(id).transaction {
            open.last = Some(std::sync::Arc::clone(&execution.sql));
        }
        // One connection alone meets nobody.
        if self.clients.len() < 2 {
            return;
        }
        execution
            .values
            .extend(hash_parameters(&execution.parameters));
        let found = self.journal.observe(&Done {
            client: id,
            sql: &execution.sql,
            info: &info,
            values: &execution.values,
            rows: rows_of(tag),
        });
        self.events
            .extend(found.into_iter().map(Event::Entanglement));
    }
}

/// Notes that the next part of an execution is done; gives the part and what is known of it.
fn complete(
    execution: &mut Execution,
    tag: &[u8],
) -> Option<(Rc<super::super::control::Info>, Execution)> {
    execution.rows = rows_of(tag);
    let info = execution.infos.get(execution.done).cloned();
    execution.done += 1;
    let info = info?;
    let part = Execution {
        sql: std::sync::Arc::clone(&execution.sql),
        parameters: execution.parameters.clone(),
        infos: Vec::new(),
        done: 0,
        asked: execution.asked,
        rows: execution.rows,
        values: std::mem::take(&mut execution.values),
    };
    Some((info, part))
}

/// Remembers what a write returned, by which its rows can be told.
fn collect(execution: &mut Execution, row: &[u8]) {
    let Some(info) = execution.infos.get(execution.done) else {
        return;
    };
    if info.access.verb == super::super::control::Verb::Read || execution.values.len() >= 64 {
        return;
    }
    let mut row = Body(row);
    let count = row.i16().unwrap_or(0);
    let values = (0..count).map_while(|_| row.value()).flatten();
    execution.values.extend(values.filter_map(hash));
}

pub(super) fn server_error(body: &[u8]) -> ServerError {
    let field = |kind| error_field(body, kind).map(str::to_owned);
    ServerError {
        code: field(b'C').unwrap_or_default(),
        message: field(b'M').unwrap_or_default(),
        detail: field(b'D'),
    }
}

pub(super) fn describe(body: &[u8]) -> String {
    let field = |kind| error_field(body, kind).unwrap_or_default();
    format!("{} ({})", field(b'M'), field(b'C'))
}

/// The same error with a hint of ours, after the server's own.
fn with_way_out(is_limit: bool, body: &[u8]) -> Option<Vec<u8>> {
    if !is_limit {
        return None;
    }
    let hint = match error_field(body, b'H') {
        Some(own) => format!("{own} {WAY_OUT}"),
        None => WAY_OUT.to_owned(),
    };
    let mut fields = Vec::new();
    let mut rest = Body(body);
    while let Some(kind) = rest.u8().filter(|kind| *kind != 0) {
        let end = rest.0.iter().position(|byte| *byte == 0)?;
        let value = rest.take(end + 1)?;
        if kind != b'H' {
            fields.push(kind);
            fields.extend_from_slice(value);
        }
    }
    fields.push(b'H');
    fields.extend_from_slice(hint.as_bytes());
    fields.extend_from_slice(&[0, 0]);
    let mut message = Vec::new();
    super::super::protocol::message(&mut message, b'E', |out| out.extend_from_slice(&fields));
    Some(message)
}

//! Errors that production would not have given.

use super::Engine;
use crate::postgres::{
    proxy::{
        api::ClientId,
        expected::Expected,
        protocol::{Body, error_field},
    },
    sqlstate,
};

/// Where the way out of a limit is described.
const WAY_OUT: &str = "db-test: this test runs in one transaction, where the server refuses this; \
    `#[db_test(isolation = \"database\")]` gives it a database of its own.";

/// The same for a connection that the server was to make to the test's own database.
const WAY_OUT_OF_SECLUSION: &str = "db-test: here the server would connect to itself, outside of the transaction that this \
    test runs in; `#[db_test(isolation = \"database\")]` gives the test a database of its own.";

/// The same for a name that belongs to another connection of the test.
const WAY_OUT_OF_NAMES: &str = "db-test: another connection of this test uses this name, and all of them share one backend; \
    `#[db_test(isolation = \"database\")]` keeps them apart.";

impl Engine {
    /// Whether production would not have refused this.
    pub(super) fn is_limit(&mut self, id: ClientId, body: &[u8]) -> bool {
        let is_in_block = self.client(id).transaction.is_some() || self.unit(id).is_block();
        match error_field(body, b'C') {
            Some(sqlstate::INVALID_TRANSACTION_TERMINATION | sqlstate::ACTIVE_SQL_TRANSACTION) => {
                !is_in_block
            }
            Some(sqlstate::UNSAFE_NEW_ENUM_VALUE_USAGE) => true,
            Some(sqlstate::READ_ONLY_SQL_TRANSACTION) => self.reads_only_for(id).is_some(),
            Some(sqlstate::UNABLE_TO_CONNECT) => is_refused_to_itself(body),
            Some(code) => self.who_has_the_name(id, code).is_some(),
            None => false,
        }
    }

    /// The other client whose temporary table or cursor has the name that is refused as taken.
    pub(super) fn who_has_the_name(&self, id: ClientId, code: &str) -> Option<ClientId> {
        let (Expected::Execute(execution) | Expected::Simple(execution)) =
            self.backend.answers.front()?
        else {
            return None;
        };
        let info = execution.infos.get(execution.done)?;
        let has = |client: &super::Client| match code {
            sqlstate::DUPLICATE_TABLE => info.temporary.as_ref().is_some_and(|(name, _)| {
                let mut known = client.temporaries.iter().chain(&client.pending.temporaries);
                known.any(|(known, _)| known == name)
            }),
            sqlstate::DUPLICATE_CURSOR => {
                let name = info.cursor.as_ref().or(info.holdable_cursor.as_ref());
                let mut known = client
                    .holdable_cursors
                    .iter()
                    .chain(&client.pending.cursors);
                name.is_some_and(|name| known.any(|known| known == name))
            }
            _ => false,
        };
        let mut others = self.clients.iter().filter(|(other, _)| *other != id);
        others
            .find(|(_, client)| has(client))
            .map(|(other, _)| other)
    }

    /// Whose read-only transaction a client that may write is in.
    pub(super) fn reads_only_for(&mut self, id: ClientId) -> Option<ClientId> {
        if self
            .client(id)
            .transaction
            .as_ref()
            .is_some_and(|open| open.read_only)
        {
            return None;
        }
        let reads_only = |(other, client): (ClientId, &super::Client)| {
            let open = client.transaction.as_ref()?;
            (other != id && open.entered && open.read_only).then_some(other)
        };
        self.clients.iter().find_map(reads_only)
    }
}

/// Whether the server was to connect to the test's own database, as `dblink` does.
fn is_refused_to_itself(body: &[u8]) -> bool {
    let says = |field| {
        error_field(body, field)
            .is_some_and(|text| text.contains("is not currently accepting connections"))
    };
    says(b'M') || says(b'D')
}

/// The same error with a hint of ours, after the server's own.
pub(super) fn with_way_out(is_limit: bool, body: &[u8]) -> Option<Vec<u8>> {
    if !is_limit {
        return None;
    }
    let way_out = match error_field(body, b'C') {
        Some(sqlstate::DUPLICATE_TABLE | sqlstate::DUPLICATE_CURSOR) => WAY_OUT_OF_NAMES,
        _ if is_refused_to_itself(body) => WAY_OUT_OF_SECLUSION,
        _ => WAY_OUT,
    };
    let hint = match error_field(body, b'H') {
        Some(own) => format!("{own} {way_out}"),
        None => way_out.to_owned(),
    };
    with_field(body, b'H', &hint)
}

/// The same error about a statement or a portal, by the name that the client gave it.
pub(super) fn in_the_clients_names(id: ClientId, body: &[u8]) -> Option<Vec<u8>> {
    let text = error_field(body, b'M')?;
    let own = format!("\"v{id}_");
    let is_named = matches!(
        error_field(body, b'C')?,
        sqlstate::INVALID_SQL_STATEMENT_NAME
            | sqlstate::DUPLICATE_PREPARED_STATEMENT
            | sqlstate::INVALID_CURSOR_NAME
            | sqlstate::DUPLICATE_CURSOR
            | sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE
    );
    let text = (is_named && text.contains(&own)).then(|| text.replace(&own, "\""))?;
    with_field(body, b'M', &text)
}

/// The same error in a part of a simple query, with the position in all of it.
pub(super) fn at_the_clients_position(asked: Option<&Expected>, body: &[u8]) -> Option<Vec<u8>> {
    let Some(Expected::Simple(execution)) = asked else {
        return None;
    };
    let position: usize = error_field(body, b'P')?.parse().ok()?;
    let moved = (position + execution.offset).to_string();
    (execution.offset > 0).then(|| with_field(body, b'P', &moved))?
}

/// An error with another text in one of its fields.
fn with_field(body: &[u8], changed: u8, text: &str) -> Option<Vec<u8>> {
    let mut fields = Vec::new();
    let mut rest = Body(body);
    while let Some(kind) = rest.u8().filter(|kind| *kind != 0) {
        let end = rest.0.iter().position(|byte| *byte == 0)?;
        let value = rest.take(end + 1)?;
        if kind != changed {
            fields.push(kind);
            fields.extend_from_slice(value);
        }
    }
    fields.push(changed);
    fields.extend_from_slice(text.as_bytes());
    fields.extend_from_slice(&[0, 0]);
    let mut message = Vec::new();
    super::super::protocol::message(&mut message, b'E', |out| out.extend_from_slice(&fields));
    Some(message)
}

//! A client that has the backend and says nothing: in the middle of a COPY, or of a pipeline
//! without Sync.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Engine;
use crate::postgres::{
    proxy::{
        api::{ClientId, Event, Finding, FindingKind},
        client::{Client, Delay, Stage, Unit, UnitKind},
        control::Control,
        protocol::Body,
    },
    sqlstate,
};

/// So long others wait for it. A client that goes on says something sooner; a test that hangs is
/// ended later.
const LIMIT: Duration = Duration::from_secs(5);

const HINT: &str = "db-test: all connections of a test share one backend; finish the COPY or send the Sync, or use \
    `#[db_test(isolation = \"database\")]`.";

impl Engine {
    /// Notes since when the client that has the backend says nothing.
    pub(super) fn watch_stalled(&mut self) {
        let Some(id) = self.active.filter(|id| self.is_stalled(*id)) else {
            self.stalled = None;
            return;
        };
        if self.stalled.is_none_or(|(known, _)| known != id) {
            self.stalled = Some((id, self.now));
        }
    }

    fn is_stalled(&self, id: ClientId) -> bool {
        let Some(client) = self.clients.get(id) else {
            return false;
        };
        client.unit.as_ref().is_some_and(|unit| {
            let is_owed = unit.flushed && !self.backend.answers.is_empty();
            let is_open = matches!(unit.kind, UnitKind::Extended { synced: false }) && !is_owed;
            (unit.copying || is_open)
                && matches!(unit.delay, Delay::None)
                && !client.inbox.has_message()
        })
    }

    /// When a client that waits for the backend gives up, if the client that has it sends nothing.
    pub(super) fn gives_up(&self, id: ClientId) -> Option<Instant> {
        let (holder, since) = self.stalled.filter(|(holder, _)| *holder != id)?;
        let client = self.clients.get(id)?;
        let waits = client.stage == Stage::Open;
        let waiting = client
            .waiting
            .filter(|_| waits && self.active == Some(holder))?;
        Some(since.max(waiting) + LIMIT)
    }

    /// Fails what a client asks that has waited too long.
    pub(super) fn fail_held_up(&mut self, id: ClientId) {
        let Some((holder, _)) = self.stalled else {
            return;
        };
        let holds = if self.unit(holder).copying {
            "a COPY that has not ended"
        } else {
            "a pipeline without a Sync"
        };
        let sql = self.waiting_text(id);
        let text = format!(
            "another connection of this test has been in the middle of {holds} for {} s",
            LIMIT.as_secs()
        );
        self.client(id).waiting = None;
        self.record_failed_step(id, sqlstate::LOCK_NOT_AVAILABLE, &text);
        self.fail_with_hint(id, sqlstate::LOCK_NOT_AVAILABLE, &text, Some(HINT));
        let found = self.journal.report(Finding {
            kind: FindingKind::HeldUp,
            first: (holder, holds.into()),
            second: (id, sql),
        });
        self.events
            .extend(found.into_iter().map(Event::Entanglement));
    }

    /// Whether a client ends its failed transaction while another one has the backend and says
    /// nothing: who was refused does not wait a second time.
    pub(super) fn ends_without_backend(&self, id: ClientId, control: &Control) -> bool {
        let ends = matches!(
            control,
            Control::Rollback { chain: false } | Control::Commit { chain: false }
        );
        let has_failed = self.clients.get(id).is_some_and(Client::has_failed);
        ends && has_failed && self.stalled.is_some_and(|(holder, _)| holder != id)
    }

    /// What waits, for a finding.
    fn waiting_text(&mut self, id: ClientId) -> Arc<str> {
        let client = self.client(id);
        if matches!(
            client.unit,
            Some(Unit {
                kind: UnitKind::Extended { .. },
                ..
            })
        ) {
            let text = match client.inbox.front() {
                Some((b'P', body)) => {
                    let mut body = Body(body);
                    body.text().and_then(|_| body.text()).map(Arc::from)
                }
                Some((b'B', body)) => {
                    let mut body = Body(body);
                    let name = body.text().and_then(|_| body.text());
                    let statement = name.and_then(|name| client.statements.get(name));
                    statement.map(|statement| Arc::clone(&statement.sql))
                }
                _ => None,
            };
            return text.unwrap_or_else(|| Arc::from("a message of a pipeline"));
        }
        self.unit_text(id)
    }
}

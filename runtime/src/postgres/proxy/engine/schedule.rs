//! Who goes next.

use std::time::{Duration, Instant};

use super::{Engine, UNREAD};
use crate::postgres::{
    proxy::{
        api::ClientId,
        client::{Delay, Stage, Unit, UnitKind},
        protocol::{ErrorFields, error, ready},
    },
    sqlstate,
};

/// How long who is too late waits for the refusal, so that a loop that tries again does not spin.
pub(super) const LATE: Duration = Duration::from_millis(250);

/// How a unit went on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// It can go on.
    Go,
    /// It needs the backend, an answer, or more of the client.
    Wait,
}

impl Engine {
    /// Takes everything as far as it goes.
    pub(crate) fn pump(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.take_backend_messages();
        let ids = self.clients.range();
        for id in ids.clone() {
            self.take_client_messages(id);
        }
        loop {
            if self.backend.broken.is_some() {
                self.abandon();
                return;
            }
            let mut moved = self.advance_ending();
            for id in ids.clone() {
                while !self.client(id).is_idle() && self.advance(id) == Flow::Go {
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        self.watch_stalled();
    }

    /// When `pump` has to be called though nothing has arrived.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let waits = |(id, client): (ClientId, &super::Client)| {
            let delay = match client.unit.as_ref().map(|unit| &unit.delay) {
                Some(Delay::Until(until, ..)) => Some(*until),
                _ => None,
            };
            let late = match client.stage {
                Stage::Late(at) => at,
                Stage::Starting => client.waiting,
                _ => None,
            };
            let turn = client
                .waiting
                .filter(|_| self.active.is_none() && !self.is_held_back)
                .filter(|_| client.stage == Stage::Open);
            let turn = turn.map(|since| self.due(id, since));
            delay.or(late).or(turn).or(self.gives_up(id))
        };
        self.clients.iter().filter_map(waits).min()
    }

    fn take_client_messages(&mut self, id: ClientId) {
        if !self.client(id).inbox.has_more() {
            return;
        }
        if self.client(id).stage == Stage::Starting {
            self.start(id);
        }
        let client = self.client(id);
        if client.stage != Stage::Starting && client.inbox.cut(false).is_err() {
            client.inbox.clear();
            let fields = ErrorFields::new(
                "FATAL",
                sqlstate::PROTOCOL_VIOLATION,
                "invalid message length",
            );
            error(&mut client.out, fields);
            client.stage = Stage::Leaving;
        }
    }

    fn advance(&mut self, id: ClientId) -> Flow {
        let is_over = self.test.is_none() || self.ending.is_some();
        let client = self.client(id);
        let is_asked_about = client.stage == Stage::Naming && self.active == Some(id);
        let client = self.client(id);
        let is_live = !matches!(client.stage, Stage::Gone | Stage::Canceling(_)) && !is_asked_about;
        let is_done = client.is_closed || client.is_finished && !client.inbox.has_request();
        if is_done && client.unit.is_none() && is_live {
            client.stage = Stage::Leaving;
        }
        if client.unit.is_some() {
            return self.advance_unit(id);
        }
        match client.stage {
            Stage::Starting | Stage::Gone => Flow::Wait,
            Stage::Naming => self.look_for_names(id),
            Stage::Canceling(target) => self.advance_cancel(id, target),
            Stage::Leaving => self.depart(id),
            Stage::Late(at) => self.refuse(id, at),
            Stage::Open => {
                let floods = client.inbox.len() > UNREAD && client.inbox.has_message();
                if !client.inbox.has_request() && !floods {
                    self.deliver_notified(id);
                    return Flow::Wait;
                }
                let next = client.inbox.front().map(|(kind, _)| kind);
                if next == Some(b'X') {
                    client.stage = Stage::Leaving;
                    return Flow::Go;
                }
                if is_over {
                    client.stage = Stage::Late(None);
                    return Flow::Go;
                }
                if next == Some(b'S') {
                    client.inbox.pop();
                    self.answer_sync(id);
                    return Flow::Go;
                }
                self.begin_unit(id)
            }
        }
    }

    /// Answers a Sync by itself, by which pools find out whether a connection works.
    fn answer_sync(&mut self, id: ClientId) {
        self.deliver_notified(id);
        let now = self.now;
        let client = self.client(id);
        client.last_active = Some(now);
        if client.transaction.is_none() {
            client.portals.clear();
        }
        let status = client.status();
        ready(&mut client.out, status);
    }

    fn begin_unit(&mut self, id: ClientId) -> Flow {
        let backslashes = self.has_backslashes(id);
        let client = self.client(id);
        client.last_active = None;
        let Some((kind, body)) = client.inbox.front() else {
            return Flow::Wait;
        };
        let kind = match kind {
            b'Q' => {
                let end = body
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(body.len());
                let text = String::from_utf8_lossy(&body[..end]).into_owned();
                client.inbox.pop();
                // The server uses both for the statements of a simple query.
                client.statements.remove("");
                if !client.has_failed() {
                    client.portals.remove("");
                }
                let script = self.statements.script(&text, backslashes);
                UnitKind::Simple { script, next: 0 }
            }
            b'F' => {
                let call = body.to_vec();
                client.inbox.pop();
                UnitKind::Call(call)
            }
            // Rows of a COPY that has failed.
            b'd' | b'c' | b'f' => {
                client.inbox.pop();
                return Flow::Go;
            }
            _ => UnitKind::Extended { synced: false },
        };
        let mut unit = Unit::new(kind);
        unit.pipelines = self.pipelines;
        self.client(id).unit = Some(unit);
        self.begin_record(id);
        Flow::Go
    }

    fn advance_unit(&mut self, id: ClientId) -> Flow {
        if self.is_held_back && self.active == Some(id) && self.backend.answers.is_empty() {
            return Flow::Wait;
        }
        if let Delay::Until(until, error, disconnects) = &self.unit(id).delay {
            let (until, error, disconnects) = (*until, error.clone(), *disconnects);
            if until > self.now && !self.client(id).is_closed {
                return Flow::Wait;
            }
            self.unit(id).delay = Delay::Passed;
            if disconnects {
                return self.cut_off(id);
            }
            if let Some((code, message)) = error {
                return self.inject(id, &code, &message);
            }
        }
        if self.stalled.is_some() && self.gives_up(id).is_some_and(|at| at <= self.now) {
            self.fail_held_up(id);
        }
        let unit = self.unit(id);
        match unit.kind {
            _ if unit.copying => self.advance_copy(id),
            _ if unit.checking.is_some() => Flow::Wait,
            UnitKind::Extended { .. } => self.advance_extended(id),
            _ => self.advance_simple(id),
        }
    }
}

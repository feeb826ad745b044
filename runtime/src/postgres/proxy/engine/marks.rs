//! Places in the test's transaction that the harness returns to.

use super::Engine;
use crate::postgres::proxy::{
    api::{Event, MarkRefused},
    expected::{Expected, Own},
    protocol::query,
    savepoints::{HARNESS, SavepointKind},
    statements::Scope,
};

/// A request of the harness.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    Set(u32),
    Restore(u32),
}

impl Engine {
    pub(super) fn advance_mark(&mut self, mark: Mark) -> bool {
        let open = self
            .clients
            .iter()
            .find_map(|(_, client)| client.transaction.as_ref());
        let refused = match (open, mark) {
            (Some(open), _) => Some(MarkRefused::InTransaction(
                open.last.clone().unwrap_or_else(|| "begin".into()),
            )),
            (None, Mark::Restore(number)) if self.stack.mark(number).is_none() => {
                Some(MarkRefused::Gone)
            }
            _ => None,
        };
        if let Some(refused) = refused {
            self.mark = None;
            self.events.push_back(Event::Marked(Err(refused)));
            return true;
        }
        match mark {
            Mark::Set(number) => {
                self.open();
                self.push(HARNESS, SavepointKind::Mark(number));
            }
            Mark::Restore(number) => {
                if let Some(at) = self.stack.mark(number) {
                    let generation = self.generation;
                    self.back_to(at, &"restored savepoint".into());
                    if generation != self.generation {
                        self.prepare_anew();
                    }
                }
            }
        }
        self.mark_error = None;
        let sql = std::mem::take(&mut self.backend.prefix);
        query(&mut self.backend.out, &sql);
        self.backend.answers.push(Expected::Own(Own::Mark));
        true
    }

    /// Production knows no such rollback, so clients are spared its effect on what they have
    /// prepared.
    pub(super) fn prepare_anew(&mut self) {
        let generation = self.generation;
        for (_, client) in self.clients.iter_mut() {
            let namespace = client.namespace;
            for statement in client
                .statements
                .values_mut()
                .filter(|statement| statement.info.prepared.is_none())
            {
                let scope = Scope {
                    generation,
                    namespace,
                };
                *statement = self
                    .statements
                    .prepare(&statement.sql, &statement.types, scope);
            }
        }
    }

    pub(super) fn mark_answered(&mut self) {
        self.mark = None;
        let answer = match self.mark_error.take() {
            Some(error) => Err(MarkRefused::Failed(error)),
            None => Ok(()),
        };
        self.events.push_back(Event::Marked(answer));
    }
}

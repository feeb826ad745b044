//! What the proxy answers itself.

use std::sync::Arc;

use super::{Engine, schedule::Flow};
use crate::{
    observe::recording::ServerError,
    postgres::{
        proxy::{
            api::{ClientId, Injection},
            client::{Delay, Stage, UnitKind},
            protocol::{ErrorFields, command_complete, error, notice},
        },
        sqlstate,
    },
};

/// An error with its code.
pub(super) type Refusal = (&'static str, String);

impl Engine {
    /// Says something to a client, after what the backend still owes it.
    pub(super) fn send(&mut self, id: ClientId, say: impl FnOnce(&mut Vec<u8>)) {
        if self.active == Some(id) && !self.backend.answers.is_empty() {
            let mut bytes = Vec::new();
            say(&mut bytes);
            self.backend.answers.push_local(&bytes);
        } else {
            let client = self.client(id);
            if !client.gets_nothing() {
                say(&mut client.out);
            }
        }
    }

    pub(super) fn send_tag(&mut self, id: ClientId, tag: &str) {
        if self.is_last_of_block(id) {
            // The error of a commit that fails takes the place of the tag.
            return command_complete(&mut self.unit(id).held, tag);
        }
        self.send(id, |out| command_complete(out, tag));
    }

    /// Whether deferred constraints are checked next, with which a simple query ends.
    fn is_last_of_block(&mut self, id: ClientId) -> bool {
        let can_be_deferred = self.deferred.is_some() && self.client(id).transaction.is_none();
        let unit = self.unit(id);
        let is_last = match &unit.kind {
            UnitKind::Simple { script, next } => *next >= script.steps.len(),
            _ => false,
        };
        can_be_deferred && is_last && unit.hidden && !unit.checked
    }

    pub(super) fn warn(&mut self, id: ClientId, code: &str, message: &str) {
        self.send(id, |out| {
            notice(out, ErrorFields::new("WARNING", code, message));
        });
    }

    /// Fails what a client asks.
    pub(super) fn fail(&mut self, id: ClientId, code: &str, message: &str) {
        self.fail_with_hint(id, code, message, None);
    }

    pub(super) fn fail_with_hint(
        &mut self,
        id: ClientId,
        code: &str,
        message: &str,
        hint: Option<&str>,
    ) {
        self.send(id, |out| {
            let fields = ErrorFields {
                hint,
                ..ErrorFields::new("ERROR", code, message)
            };
            error(out, fields);
        });
        if matches!(self.unit(id).kind, UnitKind::Extended { .. }) {
            // A server sends an error at once.
            self.flush(id);
        }
        let unit = self.unit(id);
        unit.failed = true;
        unit.error = Some(ServerError {
            code: code.to_owned(),
            message: message.to_owned(),
            detail: None,
        });
    }

    /// What the server's parser says of a text that begins with no command.
    pub(super) fn fail_to_parse(&mut self, id: ClientId, word: &str) {
        let text = format!("syntax error at or near \"{word}\"");
        self.fail(id, sqlstate::SYNTAX_ERROR, &text);
    }

    /// Refuses what cannot run in a transaction.
    pub(super) fn block_refusal(&mut self, id: ClientId, what: &str) -> String {
        let is_pipeline = self.client(id).transaction.is_none() && !self.unit(id).is_block();
        if is_pipeline {
            format!("{what} cannot be executed within a pipeline")
        } else {
            format!("{what} cannot run inside a transaction block")
        }
    }

    pub(super) fn fail_in_failed(&mut self, id: ClientId) {
        self.fail(
            id,
            sqlstate::IN_FAILED_SQL_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block",
        );
    }

    /// Does what a fault says in the place of the next step; says whether the step may not go on.
    pub(super) fn is_faulted(&mut self, id: ClientId, sql: Option<&str>) -> bool {
        if matches!(self.unit(id).delay, Delay::Passed) {
            self.unit(id).delay = Delay::None;
            return false;
        }
        let faults = self.faults();
        let injection = faults.and_then(|faults| match sql {
            Some(sql) => faults.on_statement(sql),
            None => faults.on_commit(),
        });
        let Some(Injection {
            delay,
            error,
            disconnects,
        }) = injection
        else {
            return false;
        };
        let until = self.now + delay.unwrap_or_default();
        self.unit(id).delay = Delay::Until(until, error, disconnects);
        true
    }

    /// Fails with a fault's error; a commit is undone by it.
    pub(super) fn inject(&mut self, id: ClientId, code: &str, message: &str) -> Flow {
        self.unit(id).delay = Delay::None;
        if self.is_at_commit(id) {
            if self.acquire_for_end(id) {
                self.record_control(id, Some((code, message)));
                self.pass_control(id);
                if std::mem::take(&mut self.client(id).passed_control) {
                    self.client(id).inbox.pop();
                }
                self.undo_transaction(id, &Arc::from("commit"));
                self.fail(id, code, message);
            } else {
                self.unit(id).delay =
                    Delay::Until(self.now, Some((code.to_owned(), message.to_owned())), false);
                return Flow::Wait;
            }
            return Flow::Go;
        }
        self.record_failed_step(id, code, message);
        self.fail(id, code, message);
        Flow::Go
    }

    /// Ends a connection as a server does that is shut down.
    pub(super) fn cut_off(&mut self, id: ClientId) -> Flow {
        let message = "terminating connection due to administrator command";
        self.record_failed_step(id, sqlstate::ADMIN_SHUTDOWN, message);
        self.send(id, |out| {
            error(
                out,
                ErrorFields::new("FATAL", sqlstate::ADMIN_SHUTDOWN, message),
            );
        });
        let unit = self.unit(id);
        unit.failed = true;
        unit.delay = Delay::None;
        let client = self.client(id);
        client.stage = Stage::Leaving;
        client.inbox.clear();
        Flow::Go
    }
}

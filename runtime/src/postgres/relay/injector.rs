//! Faults on connections that are in no test's transaction.
//!
//! In the place of a statement the server gets one that names a portal or a prepared statement
//! which does not exist. So the failure is the server's: it aborts the transaction and the pipeline
//! like any other. Only its code and its message are replaced on the way back.

mod answers;
mod messages;
mod texts;

use std::{collections::VecDeque, io, sync::Arc, time::Instant};

use self::{
    messages::Messages,
    texts::{Texts, is_commit, is_control, status_after},
};
use crate::postgres::{
    proxy::{ErrorFields, Faults, Injection, error, message, query},
    sqlstate,
};

/// The name of what does not exist, with a number behind it.
const MISSING: &str = "db_test_fault_";

/// What the application's messages become on their way to the server, and the server's on their way
/// back.
pub(super) struct Injector {
    faults: Arc<dyn Faults>,
    from_client: Messages,
    from_server: Messages,
    texts: Texts,
    /// The state of the transaction, as of the last `ReadyForQuery`.
    status: u8,
    /// The same after what was passed since, if that succeeds.
    expected: u8,
    /// How many requests with a `ReadyForQuery` of their own the server got, and how many it has
    /// answered.
    sent: u64,
    answered: u64,
    /// The errors that the server owes.
    owed: VecDeque<Owed>,
    count: u64,
    /// The first message of the client waits for its fault until then.
    delayed: Option<(Instant, Injection)>,
    /// The request that ends with a failed commit: what follows waits until the server has rolled
    /// back.
    failing: Option<u64>,
    /// The server rolls back what a failed commit would have ended.
    is_rolling_back: bool,
    is_cut_off: bool,
}

/// An error of the server that becomes a fault's.
struct Owed {
    name: String,
    /// The request that it belongs to.
    request: u64,
    code: String,
    message: String,
    is_commit: bool,
    has_come: bool,
}

impl Injector {
    pub(super) fn new(faults: Arc<dyn Faults>) -> Self {
        Self {
            faults,
            from_client: Messages::default(),
            from_server: Messages::default(),
            texts: Texts::default(),
            status: b'I',
            expected: b'I',
            sent: 0,
            answered: 0,
            owed: VecDeque::new(),
            count: 0,
            delayed: None,
            failing: None,
            is_rolling_back: false,
            is_cut_off: false,
        }
    }

    /// When the client's next message goes on, if a fault delays it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.delayed.as_ref().map(|(until, _)| *until)
    }

    /// Whether the client's next message waits, for a delay or for the end of a failed commit.
    pub(super) fn holds_back(&self) -> bool {
        self.delayed.is_some() || self.waits_for_rollback()
    }

    /// Whether a fault has ended the connection.
    pub(super) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Reads what the client sends; writes what the server gets.
    pub(super) fn client_bytes(
        &mut self,
        bytes: &[u8],
        now: Instant,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.from_client.push(bytes);
        self.go_on(now, out)
    }

    /// Goes on with the client's messages, as far as nothing holds them back.
    pub(super) fn go_on(&mut self, now: Instant, out: &mut Vec<u8>) -> io::Result<()> {
        let mut messages = std::mem::take(&mut self.from_client);
        let result = self.pass_messages(&mut messages, now, out);
        self.from_client = messages;
        result
    }

    fn pass_messages(
        &mut self,
        messages: &mut Messages,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        while !self.is_cut_off && !self.waits_for_rollback() {
            let Some((kind, body)) = messages.front(is_looked_at, out)? else {
                break;
            };
            self.texts.note(kind, body);
            let executed = self.texts.executed(kind, body);
            let fault = match self.delayed.take() {
                Some((until, fault)) if until > now => {
                    self.delayed = Some((until, fault));
                    break;
                }
                Some((_, fault)) => Some(fault),
                None => executed.as_deref().and_then(|sql| self.fault(sql)),
            };
            if let Some(delay) = fault.as_ref().and_then(|fault| fault.delay) {
                let rest = fault.map(|fault| Injection {
                    delay: None,
                    ..fault
                });
                self.delayed = Some((now + delay, rest.unwrap_or_default()));
                break;
            }
            match fault.and_then(|fault| self.injected(fault)) {
                Some(error) => {
                    let is_commit = executed.is_some_and(|sql| is_commit(&sql));
                    self.replace(kind, is_commit, error, out);
                    messages.leave_out();
                }
                None if self.is_cut_off => {}
                None => {
                    let status = executed.as_deref().and_then(status_after);
                    self.expected = status.unwrap_or(self.expected);
                    messages.pass(out);
                }
            }
            self.sent += u64::from(is_request(kind));
        }
        Ok(())
    }

    /// Whether a request has been sent that ends with a failed commit, and not been undone.
    fn waits_for_rollback(&self) -> bool {
        self.failing.is_some_and(|request| request < self.sent)
    }

    /// The code and the message of the error that a fault gives; or it ends the connection.
    fn injected(&mut self, fault: Injection) -> Option<(String, String)> {
        self.is_cut_off |= fault.disconnects;
        fault.error.filter(|_| !fault.disconnects)
    }

    /// Asks for something that does not exist in the place of a message.
    fn replace(
        &mut self,
        kind: u8,
        is_commit: bool,
        (code, text): (String, String),
        out: &mut Vec<u8>,
    ) {
        self.count += 1;
        let name = format!("{MISSING}{}", self.count);
        if is_commit {
            self.failing = Some(self.sent);
        }
        if kind == b'Q' {
            query(out, &format!("execute {name}"));
        } else {
            message(out, b'E', |out| {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(&[0; 5]);
            });
        }
        self.owed.push_back(Owed {
            name,
            request: self.sent,
            code,
            message: text,
            is_commit,
            has_come: false,
        });
    }

    /// The fault that a statement meets. In a failed transaction there is none, as the server looks
    /// at nothing there.
    fn fault(&self, sql: &str) -> Option<Injection> {
        match self.expected {
            b'E' => None,
            status if is_commit(sql) => (status == b'T').then(|| self.faults.on_commit())?,
            _ if is_control(sql) => None,
            _ => self.faults.on_statement(sql),
        }
    }

    /// The server's last words to a client that a fault has cut off.
    pub(super) fn last_words() -> Vec<u8> {
        let text = "terminating connection due to administrator command";
        let mut out = Vec::new();
        error(
            &mut out,
            ErrorFields::new("FATAL", sqlstate::ADMIN_SHUTDOWN, text),
        );
        out
    }
}

/// Query, Parse, Bind, Execute, Close.
fn is_looked_at(kind: u8) -> bool {
    matches!(kind, b'Q' | b'P' | b'B' | b'E' | b'C')
}

/// Whether a `ReadyForQuery` answers a message.
fn is_request(kind: u8) -> bool {
    matches!(kind, b'Q' | b'S' | b'F')
}

#[cfg(test)]
mod tests;

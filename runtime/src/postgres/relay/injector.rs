//! Faults on connections that are in no test's transaction.
//!
//! In the place of a statement the server gets one that names a portal or a prepared statement
//! which does not exist. So the failure is the server's: it aborts the transaction and the pipeline
//! like any other. Only its code and its message are replaced on the way back.

mod texts;

use std::{collections::VecDeque, io, sync::Arc, time::Instant};

use self::texts::{Texts, is_commit, is_control};
use crate::postgres::{
    proxy::{ErrorFields, Faults, Inbox, Injection, error, error_field, message, query},
    sqlstate,
};

/// The name of what does not exist, with a number behind it.
const MISSING: &str = "db_test_fault_";

/// What the application's messages become on their way to the server, and the server's on their way
/// back.
pub(super) struct Injector {
    faults: Arc<dyn Faults>,
    from_client: Inbox,
    from_server: Inbox,
    texts: Texts,
    /// The state of the transaction, as of the last `ReadyForQuery`.
    status: u8,
    /// How many requests with a `ReadyForQuery` of their own the server got, and how many it has
    /// answered.
    sent: u64,
    answered: u64,
    /// The errors that the server owes.
    owed: VecDeque<Owed>,
    count: u64,
    /// The first message of the client waits for its fault until then.
    delayed: Option<(Instant, Injection)>,
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
            from_client: Inbox::default(),
            from_server: Inbox::default(),
            texts: Texts::default(),
            status: b'I',
            sent: 0,
            answered: 0,
            owed: VecDeque::new(),
            count: 0,
            delayed: None,
            is_rolling_back: false,
            is_cut_off: false,
        }
    }

    /// When the client's next message goes on, if a fault delays it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.delayed.as_ref().map(|(until, _)| *until)
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

    /// Goes on with the client's messages, as far as no fault delays them.
    pub(super) fn go_on(&mut self, now: Instant, out: &mut Vec<u8>) -> io::Result<()> {
        let mut inbox = std::mem::take(&mut self.from_client);
        let malformed = inbox.cut(false).is_err();
        while let (Some((kind, body)), Some(whole)) = (inbox.front(), inbox.front_whole())
            && !self.is_cut_off
        {
            let fault = match self.delayed.take() {
                Some((until, fault)) if until > now => {
                    self.delayed = Some((until, fault));
                    break;
                }
                Some((_, fault)) => Some(fault),
                None => self.fault(kind, body),
            };
            if let Some(delay) = fault.as_ref().and_then(|fault| fault.delay) {
                let rest = fault.map(|fault| Injection {
                    delay: None,
                    ..fault
                });
                self.delayed = Some((now + delay, rest.unwrap_or_default()));
                break;
            }
            self.pass(kind, body, whole, fault, out);
            inbox.pop();
        }
        while inbox.take_piece(b'd', out) {}
        self.from_client = inbox;
        if malformed {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }

    /// Passes a message on, or what its fault makes of it.
    fn pass(
        &mut self,
        kind: u8,
        body: &[u8],
        whole: &[u8],
        fault: Option<Injection>,
        out: &mut Vec<u8>,
    ) {
        let request = self.sent;
        self.sent += u64::from(matches!(kind, b'Q' | b'S' | b'F'));
        let Some(fault) = fault else {
            return out.extend_from_slice(whole);
        };
        if fault.disconnects {
            self.is_cut_off = true;
            return;
        }
        let Some((code, text)) = fault.error else {
            return out.extend_from_slice(whole);
        };
        self.count += 1;
        let name = format!("{MISSING}{}", self.count);
        let is_commit = self
            .texts
            .executed(kind, body)
            .is_some_and(|sql| is_commit(&sql));
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
            request,
            code,
            message: text,
            is_commit,
            has_come: false,
        });
    }

    /// The fault that a message meets. In a failed transaction there is none, as the server looks
    /// at nothing there.
    fn fault(&mut self, kind: u8, body: &[u8]) -> Option<Injection> {
        self.texts.note(kind, body);
        let sql = self
            .texts
            .executed(kind, body)
            .filter(|_| self.status != b'E')?;
        if is_commit(&sql) {
            return (self.status == b'T').then(|| self.faults.on_commit())?;
        }
        (!is_control(&sql)).then(|| self.faults.on_statement(&sql))?
    }

    /// Reads what the server sends; writes what the client gets, and what the server gets for it.
    pub(super) fn server_bytes(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        to_server: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut inbox = std::mem::take(&mut self.from_server);
        inbox.push(bytes);
        let malformed = inbox.cut(true).is_err();
        while let (Some((kind, body)), Some(whole)) = (inbox.front(), inbox.front_whole()) {
            match kind {
                b'Z' if self.goes_on(body, to_server) => out.extend_from_slice(whole),
                b'Z' => {}
                _ if self.is_rolling_back => {}
                b'E' if self.replaces(body, out) => {}
                _ => out.extend_from_slice(whole),
            }
            inbox.pop();
        }
        self.from_server = inbox;
        if malformed {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }

    /// Notes the end of a request. A commit that has failed has ended its transaction: the server
    /// rolls it back before the client gets the error.
    fn goes_on(&mut self, status: &[u8], to_server: &mut Vec<u8>) -> bool {
        self.status = status.first().copied().unwrap_or_default();
        if std::mem::take(&mut self.is_rolling_back) {
            return true;
        }
        let request = self.answered;
        self.answered += 1;
        let mut ended = self.owed.iter().filter(|owed| owed.request <= request);
        let commit_failed = ended.any(|owed| owed.is_commit && owed.has_come);
        self.owed.retain(|owed| owed.request > request);
        let is_last = self.answered == self.sent;
        if commit_failed && self.status == b'E' && is_last {
            query(to_server, "rollback");
            self.is_rolling_back = true;
            return false;
        }
        true
    }

    /// Writes a fault's error in the place of the server's, if that is one that a fault has caused.
    fn replaces(&mut self, body: &[u8], out: &mut Vec<u8>) -> bool {
        let text = error_field(body, b'M').unwrap_or_default();
        let mut owed = self.owed.iter_mut().filter(|owed| !owed.has_come);
        let Some(owed) = owed.find(|owed| text.contains(&owed.name)) else {
            return false;
        };
        owed.has_come = true;
        error(out, ErrorFields::new("ERROR", &owed.code, &owed.message));
        true
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

#[cfg(test)]
mod tests;

//! Who may talk to a test's proxy where its socket can be reached by others: on the loopback interface.
//!
//! The password of the test's URL is a token that nobody can guess. A client is let in when it has said it;
//! what it said before is then passed on as if nobody had asked.

use std::sync::Arc;

use super::error_response;

/// No start-up message comes near this many bytes (PostgreSQL's own limit).
const LONGEST: usize = 10_000;

/// `AuthenticationCleartextPassword`.
const ASK: &[u8] = b"R\0\0\0\x08\0\0\0\x03";

/// The codes of the first messages that are no start-up.
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;

/// A client that has still to prove that it may come in.
pub(crate) struct Gate {
    /// The password; any is taken where there is none.
    token: Option<Arc<str>>,
    /// What was said for one.
    password: Option<String>,
    received: Vec<u8>,
    /// The start-up message, once it was read.
    startup: Option<Vec<u8>>,
}

/// What becomes of a client.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It has to say more.
    Wait,
    Tell(Vec<u8>),
    /// It is in; this is what it has said.
    Admit(Vec<u8>),
    Refuse(Vec<u8>),
}

impl Gate {
    pub(crate) fn new(token: &Arc<str>) -> Self {
        Self::of(Some(Arc::clone(token)))
    }

    /// Asks for a password, and takes any.
    pub(crate) fn learning() -> Self {
        Self::of(None)
    }

    fn of(token: Option<Arc<str>>) -> Self {
        Self {
            token,
            password: None,
            received: Vec::new(),
            startup: None,
        }
    }

    /// The password that was said.
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Verdict {
        self.received.extend_from_slice(bytes);
        match &self.startup {
            None => self.introduction(),
            Some(_) => self.check(),
        }
    }

    fn introduction(&mut self) -> Verdict {
        let Some(message) = message(&self.received, 0) else {
            return self.wait();
        };
        let code = message.get(4..8).and_then(|code| code.try_into().ok());
        let (length, code) = (message.len(), code.map(u32::from_be_bytes));
        match code {
            Some(SSL | GSS) => {
                self.received.drain(..length);
                Verdict::Tell(b"N".to_vec())
            }
            // It holds a secret of its own.
            Some(CANCEL) => Verdict::Admit(std::mem::take(&mut self.received)),
            Some(_) => {
                self.startup = Some(self.received.drain(..length).collect());
                Verdict::Tell(ASK.to_vec())
            }
            None => refuse("08P01", "this is not PostgreSQL's protocol"),
        }
    }

    fn check(&mut self) -> Verdict {
        let Some(message) = message(&self.received, 1) else {
            return self.wait();
        };
        let said = message.strip_prefix(b"p").and_then(|rest| rest.get(4..));
        let said = said.and_then(|said| said.strip_suffix(b"\0"));
        self.password = said.map(|said| String::from_utf8_lossy(said).into_owned());
        let is_right = match &self.token {
            Some(token) => said == Some(token.as_bytes()),
            None => said.is_some(),
        };
        if !is_right {
            return refuse(
                "28P01",
                "db-test: this is not the password of the test's URL",
            );
        }
        let length = message.len();
        let rest = self.received.split_off(length);
        let mut admitted = self.startup.take().unwrap_or_default();
        admitted.extend_from_slice(&rest);
        Verdict::Admit(admitted)
    }

    fn wait(&self) -> Verdict {
        if self.received.len() > LONGEST {
            return refuse("08P01", "this is not PostgreSQL's protocol");
        }
        Verdict::Wait
    }
}

/// The first message whose length stands after so many bytes, if all of it is there.
fn message(received: &[u8], at: usize) -> Option<&[u8]> {
    let length = received.get(at..at + 4)?.try_into().ok()?;
    let length = u32::from_be_bytes(length) as usize;
    received.get(..length.max(4) + at)
}

fn refuse(code: &str, message: &str) -> Verdict {
    Verdict::Refuse(error_response(code, message))
}

#[cfg(test)]
mod tests {
    use super::{ASK, Gate, Verdict};

    const STARTUP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0x\0\0";

    fn gate() -> Gate {
        Gate::new(&"sesame".into())
    }

    #[test]
    fn who_knows_the_token_comes_in_and_is_heard_from_the_beginning() {
        let mut gate = gate();
        assert_eq!(
            gate.hear(b"\0\0\0\x08\x04\xd2\x16\x2f"),
            Verdict::Tell(b"N".to_vec())
        );
        assert_eq!(gate.hear(&STARTUP[..3]), Verdict::Wait);
        assert_eq!(gate.hear(&STARTUP[3..]), Verdict::Tell(ASK.to_vec()));
        let admitted = gate.hear(b"p\0\0\0\x0bsesame\0X");
        assert_eq!(admitted, Verdict::Admit([STARTUP, b"X"].concat()));
    }

    #[test]
    fn who_does_not_know_it_is_refused() {
        for password in [
            &b"p\0\0\0\x0bsesamE\0"[..],
            b"p\0\0\0\x05\0",
            b"Q\0\0\0\x0bsesame\0",
        ] {
            let mut gate = gate();
            gate.hear(STARTUP);
            let verdict = gate.hear(password);
            assert!(matches!(verdict, Verdict::Refuse(_)), "{verdict:?}");
        }
    }

    #[test]
    fn who_says_something_else_is_not_listened_to_for_ever() {
        let mut gate = gate();
        let verdict = gate.hear(&b"G".repeat(20_000));
        assert!(matches!(verdict, Verdict::Refuse(_)), "{verdict:?}");
    }
}

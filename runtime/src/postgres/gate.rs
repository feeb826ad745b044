//! How a client introduces itself before it is led to a test: by its start-up message, and by a
//! password.
//!
//! What it has sent besides is passed on as if nobody had read it.

use super::{
    error_response,
    request_code::{CANCEL_REQUEST, GSS_REQUEST, LONGEST_STARTUP, SSL_REQUEST},
    sqlstate,
};

/// `AuthenticationCleartextPassword`.
const PASSWORD_REQUEST: &[u8] = b"R\0\0\0\x08\0\0\0\x03";

/// A client that has still to introduce itself.
#[derive(Default)]
pub(crate) struct Gate {
    received: Vec<u8>,
    /// The start-up message, once it was read.
    startup: Option<Vec<u8>>,
}

/// What to do with a client.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It has to send more.
    Wait,
    Send(Vec<u8>),
    /// It has introduced itself by a password, which a request to cancel has not; this is what it
    /// has sent besides.
    Introduced {
        password: Option<String>,
        sent: Vec<u8>,
    },
    Refuse(Vec<u8>),
}

impl Gate {
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Verdict {
        self.received.extend_from_slice(bytes);
        match &self.startup {
            None => self.introduction(),
            Some(_) => self.password(),
        }
    }

    fn introduction(&mut self) -> Verdict {
        let Some(message) = message(&self.received, 0) else {
            return self.wait();
        };
        let code = message.get(4..8).and_then(|code| code.try_into().ok());
        let (length, code) = (message.len(), code.map(u32::from_be_bytes));
        match code {
            Some(SSL_REQUEST | GSS_REQUEST) => {
                self.received.drain(..length);
                Verdict::Send(b"N".to_vec())
            }
            // It holds a secret of its own.
            Some(CANCEL_REQUEST) => Verdict::Introduced {
                password: None,
                sent: std::mem::take(&mut self.received),
            },
            Some(_) => {
                self.startup = Some(self.received.drain(..length).collect());
                Verdict::Send(PASSWORD_REQUEST.to_vec())
            }
            None => refuse(
                sqlstate::PROTOCOL_VIOLATION,
                "this is not PostgreSQL's protocol",
            ),
        }
    }

    fn password(&mut self) -> Verdict {
        let Some(message) = message(&self.received, 1) else {
            return self.wait();
        };
        let password = message.strip_prefix(b"p").and_then(|rest| rest.get(4..));
        let Some(password) = password.and_then(|password| password.strip_suffix(b"\0")) else {
            return refuse(
                sqlstate::INVALID_PASSWORD,
                "db-test: a password is expected here",
            );
        };
        let password = String::from_utf8_lossy(password).into_owned();
        let length = message.len();
        let rest = self.received.split_off(length);
        let mut sent = self.startup.take().unwrap_or_default();
        sent.extend_from_slice(&rest);
        Verdict::Introduced {
            password: Some(password),
            sent,
        }
    }

    fn wait(&self) -> Verdict {
        if self.received.len() > LONGEST_STARTUP {
            return refuse(
                sqlstate::PROTOCOL_VIOLATION,
                "this is not PostgreSQL's protocol",
            );
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
    use super::{Gate, PASSWORD_REQUEST, Verdict};

    const STARTUP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0x\0\0";

    #[test]
    fn a_password_is_asked_for_and_the_rest_is_passed_on() {
        let mut gate = Gate::default();
        assert_eq!(
            gate.receive(b"\0\0\0\x08\x04\xd2\x16\x2f"),
            Verdict::Send(b"N".to_vec())
        );
        assert_eq!(gate.receive(&STARTUP[..3]), Verdict::Wait);
        assert_eq!(
            gate.receive(&STARTUP[3..]),
            Verdict::Send(PASSWORD_REQUEST.to_vec())
        );
        let introduced = Verdict::Introduced {
            password: Some("sesame".to_owned()),
            sent: [STARTUP, b"X"].concat(),
        };
        assert_eq!(gate.receive(b"p\0\0\0\x0bsesame\0X"), introduced);
    }

    #[test]
    fn what_is_no_password_is_refused() {
        for password in [&b"p\0\0\0\x05x"[..], b"Q\0\0\0\x0bsesame\0"] {
            let mut gate = Gate::default();
            gate.receive(STARTUP);
            let verdict = gate.receive(password);
            assert!(matches!(verdict, Verdict::Refuse(_)), "{verdict:?}");
        }
    }

    #[test]
    fn what_is_no_introduction_is_not_read_for_ever() {
        let mut gate = Gate::default();
        let verdict = gate.receive(&b"G".repeat(20_000));
        assert!(matches!(verdict, Verdict::Refuse(_)), "{verdict:?}");
    }
}

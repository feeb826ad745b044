//! The beginning of a connection: the start-up message and what a server asks before it serves.

use std::io::{self, Read, Write};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    },
    message::{backend::Message, frontend},
};

use super::{Stream, refusal::Refusal};

/// A connection that the server serves, between two of its queries.
pub(crate) struct BackendConnection {
    pub(crate) stream: Stream,
    /// The settings that the server has reported.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) process_id: i32,
    pub(crate) secret_key: i32,
    /// Whether `pg_notify` tells a proxy.
    pub(crate) replaces_notify: bool,
    /// Whether `now()` shows what a proxy says.
    pub(crate) moves_clock: bool,
    received: BytesMut,
}

/// Starts a connection on a stream.
pub(super) fn run(
    stream: Stream,
    parameters: &[(&str, &str)],
    user: &str,
    password: Option<&str>,
) -> Result<BackendConnection, sqlx::Error> {
    let mut connection = BackendConnection {
        stream,
        parameters: Vec::new(),
        process_id: 0,
        secret_key: 0,
        replaces_notify: false,
        moves_clock: false,
        received: BytesMut::new(),
    };
    connection.send(|out| frontend::startup_message(parameters.iter().copied(), out))?;
    connection.authenticate(user, password.unwrap_or_default())?;
    loop {
        match connection.receive()? {
            Message::BackendKeyData(key) => {
                (connection.process_id, connection.secret_key) =
                    (key.process_id(), key.secret_key());
            }
            Message::ReadyForQuery(_) => return Ok(connection),
            _ => {}
        }
    }
}

impl BackendConnection {
    fn authenticate(&mut self, user: &str, password: &str) -> Result<(), sqlx::Error> {
        loop {
            match self.receive()? {
                Message::AuthenticationOk => return Ok(()),
                Message::AuthenticationCleartextPassword => {
                    self.send(|out| frontend::password_message(password.as_bytes(), out))?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(user.as_bytes(), password.as_bytes(), body.salt());
                    self.send(|out| frontend::password_message(hash.as_bytes(), out))?;
                }
                Message::AuthenticationSasl(body) => {
                    let offered = body.mechanisms().any(|name| Ok(name == SCRAM_SHA_256))?;
                    if !offered {
                        return Err(unsupported("a mechanism other than SCRAM-SHA-256"));
                    }
                    self.prove(password)?;
                }
                _ => return Err(unsupported("a method other than a password")),
            }
        }
    }

    fn prove(&mut self, password: &str) -> Result<(), sqlx::Error> {
        let mut scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
        self.send(|out| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), out))?;
        let Message::AuthenticationSaslContinue(body) = self.receive()? else {
            return Err(unsupported("an exchange other than SCRAM's"));
        };
        scram.update(body.data())?;
        self.send(|out| frontend::sasl_response(scram.message(), out))?;
        let Message::AuthenticationSaslFinal(body) = self.receive()? else {
            return Err(unsupported("an exchange other than SCRAM's"));
        };
        Ok(scram.finish(body.data())?)
    }

    /// The version of the server as a number, such as 150018.
    pub(crate) fn server_version(&self) -> Option<u32> {
        let mut parameters = self.parameters.iter();
        let (_, version) = parameters.find(|(name, _)| name == "server_version")?;
        let mut parts = version.split([' ', '.']).map(|part| {
            let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit());
            digits.parse::<u32>().ok()
        });
        let (major, minor) = (parts.next()??, parts.next().flatten());
        Some(major * 10_000 + minor.unwrap_or_default())
    }

    /// Runs one query, of one or more statements; gives all rows, as text.
    pub(crate) fn query(&mut self, sql: &str) -> Result<Vec<Row>, sqlx::Error> {
        self.send(|out| frontend::query(sql, out))?;
        let mut rows = Vec::new();
        let mut problem = None;
        loop {
            match self.receive() {
                Ok(Message::DataRow(row)) => {
                    let ranges = row.ranges().collect::<Vec<_>>()?;
                    let value = |range: Option<std::ops::Range<usize>>| {
                        let bytes = range.map(|range| row.buffer()[range].to_vec());
                        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                    };
                    rows.push(ranges.into_iter().map(value).collect());
                }
                Ok(Message::ReadyForQuery(_)) => return problem.map_or(Ok(rows), Err),
                Ok(_) => {}
                // Another one follows, or the end of the connection.
                Err(error @ sqlx::Error::Database(_)) => problem = Some(error),
                Err(error) => return Err(problem.unwrap_or(error)),
            }
        }
    }

    /// Ends the connection with a `Terminate` message.
    pub(crate) fn close(&mut self) {
        self.send(|out| {
            frontend::terminate(out);
            Ok(())
        })
        .ok();
    }

    fn send(
        &mut self,
        message: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), sqlx::Error> {
        let mut out = BytesMut::new();
        message(&mut out)?;
        let written = self
            .stream
            .write_all(&out)
            .and_then(|()| self.stream.flush());
        written.map_err(|error| self.parting_words().unwrap_or_else(|| error.into()))
    }

    /// Why the server has ended a connection that cannot be written to. It says so before it goes.
    fn parting_words(&mut self) -> Option<sqlx::Error> {
        loop {
            match self.receive() {
                Ok(_) => {}
                Err(refusal @ sqlx::Error::Database(_)) => return Some(refusal),
                Err(_) => return None,
            }
        }
    }

    /// The next message; an `ErrorResponse` is an error, and settings are remembered on the way.
    fn receive(&mut self) -> Result<Message, sqlx::Error> {
        loop {
            match Message::parse(&mut self.received)? {
                Some(Message::ErrorResponse(body)) => return Err(Refusal::of(&body)),
                Some(Message::ParameterStatus(body)) => {
                    let (name, value) = (body.name()?.to_owned(), body.value()?.to_owned());
                    self.parameters.retain(|(known, _)| *known != name);
                    self.parameters.push((name, value));
                }
                Some(Message::NoticeResponse(_)) => {}
                Some(message) => return Ok(message),
                None => {
                    let mut chunk = [0; 8192];
                    let length = self.stream.read(&mut chunk)?;
                    if length == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                    }
                    self.received.extend_from_slice(&chunk[..length]);
                }
            }
        }
    }
}

/// A row of a query's answer, as text.
pub(crate) type Row = Vec<Option<String>>;

fn unsupported(what: &str) -> sqlx::Error {
    sqlx::Error::Protocol(format!(
        "the server asks for {what}, which db-test does not know"
    ))
}

//! A client that sends the given messages, and reads all answers.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;

use super::program::{Action, Ending, Message};

/// A server that does not answer has lost count.
const LIMIT: Duration = Duration::from_secs(10);

/// The code of a request to cancel.
const CANCEL_REQUEST: [u8; 4] = 80_877_102_u32.to_be_bytes();

/// What a statement says that is to be canceled.
const RUNNING: &[u8] = b"Mrunning\0";

pub(super) struct Client {
    path: PathBuf,
    socket: UnixStream,
    /// What a request to cancel has to know.
    key: Vec<u8>,
    status: u8,
    number: usize,
}

impl Client {
    pub(super) fn connect(options: &PgConnectOptions, number: usize) -> Self {
        let directory = options.get_socket().expect("it is a socket");
        let path = directory.join(format!(".s.PGSQL.{}", options.get_port()));
        let socket = UnixStream::connect(&path).expect("it listens");
        socket
            .set_read_timeout(Some(LIMIT))
            .expect("it is a socket");
        let mut client = Self {
            path,
            socket,
            key: Vec::new(),
            status: 0,
            number,
        };
        let database = options.get_database().expect("it has a name");
        let user = options.get_username();
        let body = format!(
            "\0\u{3}\0\0user\0{user}\0database\0{database}\0client_encoding\0UTF8\0DateStyle\0ISO, MDY\0\
             TimeZone\0UTC\0application_name\0wire\0extra_float_digits\02\0\0"
        );
        client.send(&with_length(body.as_bytes()));
        client.hear(1);
        client
    }

    /// Says something; gives what is answered, as text.
    pub(super) fn ask(&mut self, message: &Message) -> String {
        let mut heard = String::new();
        for action in message.actions(self.number) {
            match action {
                Action::Send(bytes) => self.send(&bytes),
                Action::Hear(answers) => heard.push_str(&self.hear(answers)),
                Action::HearOf(kinds) => self.hear_of(kinds, &mut heard),
                Action::Cancel => self.cancel(),
            }
        }
        heard
    }

    /// Says something, and nothing more; gives what is answered until the server ends the
    /// connection.
    pub(super) fn end(&mut self, ending: &Ending) -> String {
        self.send(&ending.bytes(self.number));
        self.socket.shutdown(Shutdown::Write).expect("it is open");
        self.hear(usize::MAX)
    }

    /// Has the server cancel what it does for this connection. The end of the connection that
    /// asks for it says that the request has been handled.
    fn cancel(&self) {
        let mut socket = UnixStream::connect(&self.path).expect("it listens");
        socket
            .set_read_timeout(Some(LIMIT))
            .expect("it is a socket");
        let body = [&CANCEL_REQUEST[..], &self.key].concat();
        socket.write_all(&with_length(&body)).expect("it is read");
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).expect("it is handled");
        assert!(answer.is_empty(), "a server says nothing to that");
    }

    /// The state of the transaction, as the server told it.
    pub(super) fn status(&self) -> u8 {
        self.status
    }

    fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("it is read");
    }

    /// Reads up to so many `ReadyForQuery`, or the end of the connection.
    fn hear(&mut self, mut answers: usize) -> String {
        let mut heard = String::new();
        // The server reports them in the order of its table.
        let mut parameters = BTreeSet::new();
        while answers > 0 {
            let Some((kind, body)) = self.message(&heard) else {
                heard.push_str("the end");
                break;
            };
            if kind == b'S' {
                parameters.insert(parameter(&body));
                continue;
            }
            if kind == b'Z' {
                answers -= 1;
                heard.extend(std::mem::take(&mut parameters));
            }
            told(&mut heard, kind, &body);
        }
        heard
    }

    /// Reads up to a message of one of these kinds.
    fn hear_of(&mut self, kinds: &[u8], heard: &mut String) {
        while let Some((kind, body)) = self.message(heard) {
            told(heard, kind, &body);
            if kinds.contains(&kind) {
                return;
            }
        }
    }

    /// The next message. What has to be done about it is done.
    fn message(&mut self, heard: &str) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; 5];
        match self.socket.read_exact(&mut header) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
            read => read.unwrap_or_else(|error| panic!("{error} after {heard}")),
        }
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
        let mut body = vec![0; length - 4];
        self.socket.read_exact(&mut body).expect("the rest comes");
        match header[0] {
            b'Z' => self.status = body[0],
            b'K' => self.key.clone_from(&body),
            b'N' if body.windows(RUNNING.len()).any(|part| part == RUNNING) => self.cancel(),
            _ => {}
        }
        Some((header[0], body))
    }
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("it is short");
    [&length.to_be_bytes()[..], body].concat()
}

/// A parameter that the server reports; not all versions report each of them.
fn parameter(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body).replace('\0', "=");
    if text.contains("in_hot_standby") {
        return String::new();
    }
    format!("S{text} ")
}

/// What of a message must be the same.
fn told(heard: &mut String, kind: u8, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let field = |wanted: char| {
        let mut fields = text.split('\0');
        fields
            .find_map(|field| field.strip_prefix(wanted))
            .unwrap_or_default()
            .to_owned()
    };
    let kind = char::from(kind);
    match kind {
        // Object ids differ; so do the addresses in a handshake.
        'T' => {
            let count = u16::from_be_bytes([body[0], body[1]]);
            write!(heard, "T{count} ").expect("it is a string");
        }
        'E' | 'N' => {
            let [code, message, position] = ['C', 'M', 'P'].map(field);
            write!(heard, "{kind}{code}<{message}@{position}> ").expect("it is a string");
        }
        'K' | 'R' | 't' => {}
        _ => write!(heard, "{kind}{} ", text.escape_debug()).expect("it is a string"),
    }
}

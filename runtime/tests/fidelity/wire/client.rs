//! A client that says what it is told to, and hears all that is answered.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;

use super::program::Message;

/// A server that does not answer has lost count.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) struct Client {
    socket: UnixStream,
    status: u8,
    number: usize,
}

impl Client {
    pub(super) fn connect(options: &PgConnectOptions, number: usize) -> Self {
        let directory = options.get_socket().expect("it is a socket");
        let path = directory.join(format!(".s.PGSQL.{}", options.get_port()));
        let socket = UnixStream::connect(path).expect("it listens");
        socket
            .set_read_timeout(Some(LIMIT))
            .expect("it is a socket");
        let mut client = Self {
            socket,
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
        let (bytes, answers) = message.bytes(self.number);
        self.send(&bytes);
        self.hear(answers)
    }

    /// The state of the transaction, as the server told it.
    pub(super) fn status(&self) -> u8 {
        self.status
    }

    fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("it is read");
    }

    /// Hears up to so many `ReadyForQuery`.
    fn hear(&mut self, mut answers: usize) -> String {
        let mut heard = String::new();
        // The server reports them in the order of its table.
        let mut parameters = BTreeSet::new();
        while answers > 0 {
            let mut header = [0; 5];
            self.socket
                .read_exact(&mut header)
                .unwrap_or_else(|error| panic!("{error} after {heard}"));
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            let mut body = vec![0; length - 4];
            self.socket.read_exact(&mut body).expect("the rest comes");
            if header[0] == b'Z' {
                answers -= 1;
                self.status = body[0];
            }
            if header[0] == b'S' {
                parameters.insert(parameter(&body));
                continue;
            }
            if header[0] == b'Z' {
                heard.extend(std::mem::take(&mut parameters));
            }
            told(&mut heard, header[0], &body);
        }
        heard
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

//! As much of PostgreSQL's protocol as it takes to count (manual, "Message Formats").

use std::collections::HashMap;

/// Cuts a stream into messages.
#[derive(Default)]
pub(crate) struct Messages {
    buffer: Vec<u8>,
    /// Whether the next message has no type: the first one of a client.
    untyped: bool,
}

/// One message: its type, and what is in it.
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) content: Vec<u8>,
}

/// The type that a startup message is given here, which has none on the wire.
const STARTUP: u8 = 0;

impl Messages {
    pub(crate) fn of_a_client() -> Self {
        Self {
            buffer: Vec::new(),
            untyped: true,
        }
    }

    pub(crate) fn of_a_server() -> Self {
        Self::default()
    }

    /// Takes in what was read; gives the messages that are complete with it.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Message> {
        self.buffer.extend_from_slice(bytes);
        std::iter::from_fn(|| self.next()).collect()
    }

    fn next(&mut self) -> Option<Message> {
        let start = usize::from(!self.untyped);
        let length = self.buffer.get(start..start + 4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let end = start + usize::try_from(length).ok()?;
        if self.buffer.len() < end {
            return None;
        }
        let message: Vec<u8> = self.buffer.drain(..end).collect();
        let kind = if self.untyped { STARTUP } else { message[0] };
        self.untyped = false;
        let content = message[start + 4..].to_vec();
        Some(Message { kind, content })
    }
}

/// Puts the messages of a client together to requests, each of which the server answers with one
/// `ReadyForQuery`.
#[derive(Default)]
pub(crate) struct Requests {
    prepared: HashMap<Vec<u8>, String>,
    /// What was said since the last request was complete.
    said: Vec<String>,
}

impl Requests {
    /// Takes in a message; gives the request that it completes.
    pub(crate) fn feed(&mut self, message: &Message) -> Option<String> {
        let mut fields = message.content.split(|byte| *byte == 0);
        let mut field = || fields.next().unwrap_or_default();
        match message.kind {
            STARTUP => return Some("(connect)".to_owned()),
            b'Q' => return Some(text(field())),
            b'P' => {
                let (name, sql) = (field().to_vec(), text(field()));
                self.said.push(format!("(prepare) {sql}"));
                self.prepared.insert(name, sql);
            }
            b'B' => {
                let (_portal, name) = (field(), field());
                let sql = self.prepared.get(name).cloned();
                self.said.push(sql.unwrap_or_default());
            }
            b'C' if message.content.first() == Some(&b'S') => {
                self.said.push("(forget a statement)".to_owned());
            }
            b'S' if self.said.is_empty() => return Some("(ping)".to_owned()),
            b'S' => return Some(std::mem::take(&mut self.said).join(", ")),
            _ => {}
        }
        None
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! What has arrived and has not been read yet, cut into messages.

use super::write::{MessageKind, message};

/// The longest message of a kind that may be long, in bytes (`PQ_LARGE_MESSAGE_LIMIT`).
const LARGE: usize = 0x3fff_fffe;

/// The longest message of the other kinds (`PQ_SMALL_MESSAGE_LIMIT`).
const SMALL: usize = 10_000;

/// The longest first message (`MAX_STARTUP_PACKET_LENGTH`).
pub(crate) const STARTUP_LIMIT: usize = 10_000;

/// The kind and the length of a message, in bytes.
const HEAD: usize = 5;

/// A message longer than this is taken in pieces, in bytes.
const PIECE: usize = 16 * 1024;

/// The most space of what has been read that stays at the front before the rest is moved there, in
/// bytes.
const COMPACT: usize = 64 * 1024;

/// A length that no message can have; the stream cannot be understood any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The capacity that an empty buffer keeps, in bytes.
const KEPT: usize = 1024 * 1024;

/// Bytes of one peer, as a queue of whole messages.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    /// Where the first message that has not been taken begins.
    at: usize,
    /// Where the messages that are whole end.
    whole: usize,
    /// How many of the whole messages ask for an answer at once.
    requests: usize,
}

impl Inbox {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            (self.at, self.whole) = (0, 0);
        } else if self.at > COMPACT {
            self.bytes.drain(..self.at);
            self.whole -= self.at;
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Finds the messages that have become whole. A server's may be as long as they like.
    pub(crate) fn cut(&mut self, is_server: bool) -> Result<(), Malformed> {
        while let Some(head) = self.bytes.get(self.whole..self.whole + 5) {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let limit = match head[0] {
                _ if is_server => LARGE,
                b'Q' | b'P' | b'B' | b'd' | b'F' | b'f' => LARGE,
                _ => SMALL,
            };
            if !(4..=limit).contains(&length) {
                return Err(Malformed);
            }
            if self.bytes.len() - self.whole <= length {
                break;
            }
            self.requests += usize::from(is_request(head[0]));
            self.whole += length + 1;
        }
        Ok(())
    }

    /// The first whole message, which stays.
    pub(crate) fn front(&self) -> Option<(MessageKind, &[u8])> {
        self.front_whole().map(split)
    }

    /// The first whole message with its head.
    pub(crate) fn front_whole(&self) -> Option<&[u8]> {
        if self.at == self.whole {
            return None;
        }
        Some(&self.bytes[self.at..self.at + self.front_length()])
    }

    /// Takes the first whole message away.
    pub(crate) fn pop(&mut self) {
        if self.at < self.whole {
            self.requests -= usize::from(is_request(self.bytes[self.at]));
            self.at += self.front_length();
        }
    }

    /// Takes what has come of a long message that is not whole, as a message of its own. What is
    /// still to come becomes another one of that kind, so this is for a kind whose messages may be
    /// cut anywhere.
    pub(crate) fn take_piece(&mut self, wanted: MessageKind, out: &mut Vec<u8>) -> bool {
        let rest = &self.bytes[self.at..];
        if self.has_message() || rest.len() < PIECE || rest[0] != wanted {
            return false;
        }
        message(out, wanted, |out| out.extend_from_slice(&rest[HEAD..]));
        let missing = self.front_length() - rest.len();
        // The head of the other one takes the place of the last bytes that were taken.
        self.whole = self.bytes.len() - HEAD;
        self.at = self.whole;
        let length = u32::try_from(missing + HEAD - 1).unwrap_or(u32::MAX);
        self.bytes[self.at] = wanted;
        self.bytes[self.at + 1..].copy_from_slice(&length.to_be_bytes());
        true
    }

    /// Whether a whole message is there that asks for an answer.
    pub(crate) fn has_request(&self) -> bool {
        self.requests > 0
    }

    /// Whether a whole message is there.
    pub(crate) fn has_message(&self) -> bool {
        self.at < self.whole
    }

    /// Whether bytes have come that are not cut into messages.
    pub(crate) fn has_more(&self) -> bool {
        self.whole < self.bytes.len()
    }

    /// How many bytes have not been taken.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first message of a connection: its code and body.
    pub(crate) fn startup(&mut self) -> Result<Option<(u32, Vec<u8>)>, Malformed> {
        let rest = &self.bytes[self.at..];
        let Some(head) = rest.get(..4) else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if !(8..=STARTUP_LIMIT).contains(&length) {
            return Err(Malformed);
        }
        let Some(message) = rest.get(4..length) else {
            return Ok(None);
        };
        let code = u32::from_be_bytes([message[0], message[1], message[2], message[3]]);
        let body = message[4..].to_vec();
        self.at += length;
        self.whole = self.at;
        Ok(Some((code, body)))
    }

    fn front_length(&self) -> usize {
        let head = &self.bytes[self.at + 1..self.at + 5];
        u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize + 1
    }
}

/// The kind and the body of a whole message.
pub(crate) fn split(whole: &[u8]) -> (MessageKind, &[u8]) {
    (whole[0], &whole[HEAD..])
}

/// Query, Sync, Flush, function call, Terminate.
fn is_request(kind: MessageKind) -> bool {
    matches!(kind, b'Q' | b'S' | b'H' | b'F' | b'X')
}

#[cfg(test)]
mod tests {
    use super::{Inbox, Malformed, PIECE};
    use crate::postgres::proxy::protocol::message;

    #[test]
    fn messages_are_cut_wherever_the_bytes_are_split() {
        let bytes = b"Q\0\0\0\x07ab\0S\0\0\0\x04";
        for at in 0..bytes.len() {
            let mut inbox = Inbox::default();
            let mut seen = Vec::new();
            for part in [&bytes[..at], &bytes[at..]] {
                inbox.push(part);
                inbox.cut(false).expect("valid messages");
                while let Some((kind, body)) = inbox.front() {
                    seen.push((kind, body.to_vec()));
                    inbox.pop();
                }
            }
            assert_eq!(seen, [(b'Q', b"ab\0".to_vec()), (b'S', vec![])]);
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_refused() {
        let mut inbox = Inbox::default();
        inbox.push(b"Q\0\0\0\x03");
        assert_eq!(inbox.cut(false), Err(Malformed));
        let mut inbox = Inbox::default();
        inbox.push(b"S\x10\0\0\0");
        assert_eq!(inbox.cut(false), Err(Malformed));
    }

    #[test]
    fn a_long_message_is_taken_in_pieces_wherever_it_is_split() {
        let body: Vec<u8> = (0..=250).cycle().take(5 * PIECE).collect();
        let mut bytes = Vec::new();
        message(&mut bytes, b'd', |out| out.extend_from_slice(&body));
        bytes.extend_from_slice(b"c\0\0\0\x04");
        for length in [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, bytes.len() - 6] {
            let (mut inbox, mut taken) = (Inbox::default(), Inbox::default());
            let (mut joined, mut last, mut longest) = (Vec::new(), b' ', 0);
            for part in bytes.chunks(length) {
                inbox.push(part);
                inbox.cut(false).expect("valid messages");
                let mut out = Vec::new();
                inbox.take_piece(b'd', &mut out);
                longest = longest.max(inbox.len());
                while let Some(message) = inbox.front_whole() {
                    out.extend_from_slice(message);
                    inbox.pop();
                }
                taken.push(&out);
                taken.cut(false).expect("valid messages");
                while let Some((kind, body)) = taken.front() {
                    joined.extend_from_slice(body);
                    last = kind;
                    taken.pop();
                }
            }
            assert!(joined == body, "in parts of {length}");
            assert_eq!((last, inbox.len()), (b'c', 0));
            assert!(longest <= PIECE + length, "{longest} bytes stood in it");
        }
    }
}

//! Cutting a stream into messages of which only the beginning is kept.

use std::io;

/// How much of a message is looked at, in bytes. The rest passes, or is left out, as it comes.
const LOOKED_AT: usize = 1024 * 1024;

/// The kind and the length of a message, in bytes.
const HEAD: usize = 5;

/// The longest message (`PQ_LARGE_MESSAGE_LIMIT`).
const LONGEST: usize = 0x3fff_fffe;

/// The most space of what has been taken that stays at the front before the rest is moved there, in
/// bytes.
const COMPACT: usize = 64 * 1024;

/// What has arrived of one side and was not passed on yet.
#[derive(Default)]
pub(super) struct Messages {
    bytes: Vec<u8>,
    /// Where what has not been taken begins.
    at: usize,
    /// How much of the message that was taken last is still to come.
    rest: usize,
    /// Whether that passes.
    passes: bool,
}

impl Messages {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(LOOKED_AT);
            self.at = 0;
        } else if self.at > COMPACT {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The kind and the beginning of the body of the next message, as soon as there is enough of
    /// it. What has come of the last one goes out before. Bodies of kinds that are not wanted are
    /// empty.
    pub(super) fn front(
        &mut self,
        is_wanted: impl Fn(u8) -> bool,
        out: &mut Vec<u8>,
    ) -> io::Result<Option<(u8, &[u8])>> {
        self.take_rest(out);
        let bytes = &self.bytes[self.at..];
        let Some(head) = bytes.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let length = length(*head);
        if !(HEAD - 1..=LONGEST).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let looked_at = if is_wanted(head[0]) {
            (length + 1 - HEAD).min(LOOKED_AT)
        } else {
            0
        };
        let body = bytes.get(HEAD..HEAD + looked_at);
        Ok(body.map(|body| (head[0], body)))
    }

    /// Passes the message at the front on.
    pub(super) fn pass(&mut self, out: &mut Vec<u8>) {
        self.take(true, out);
    }

    /// Leaves the message at the front out.
    pub(super) fn leave_out(&mut self) {
        self.take(false, &mut Vec::new());
    }

    fn take(&mut self, passes: bool, out: &mut Vec<u8>) {
        if let Some(head) = self.bytes[self.at..].first_chunk::<HEAD>() {
            (self.rest, self.passes) = (length(*head) + 1, passes);
            self.take_rest(out);
        }
    }

    fn take_rest(&mut self, out: &mut Vec<u8>) {
        let bytes = &self.bytes[self.at..];
        let taken = &bytes[..self.rest.min(bytes.len())];
        if self.passes {
            out.extend_from_slice(taken);
        }
        self.rest -= taken.len();
        self.at += taken.len();
    }

    /// How many bytes have not been taken.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.at
    }
}

fn length(head: [u8; HEAD]) -> usize {
    u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize
}

#[cfg(test)]
mod tests {
    use super::{LOOKED_AT, Messages};
    use crate::postgres::proxy::message;

    /// Passes everything on but simple queries; gives what is passed, how much of each query was
    /// looked at, and the most bytes that were kept.
    fn passed(stream: &[u8], pieces: usize) -> (Vec<u8>, Vec<usize>, usize) {
        let (mut messages, mut out) = (Messages::default(), Vec::new());
        let (mut looked_at, mut most) = (Vec::new(), 0);
        for piece in stream.chunks(pieces) {
            messages.push(piece);
            loop {
                let front = messages.front(|kind| kind == b'Q', &mut out);
                let Some((kind, body)) = front.expect("lengths that can be") else {
                    break;
                };
                if kind == b'Q' {
                    looked_at.push(body.len());
                    messages.leave_out();
                } else {
                    messages.pass(&mut out);
                }
            }
            most = most.max(messages.len());
        }
        (out, looked_at, most)
    }

    #[test]
    fn messages_are_found_wherever_the_stream_is_cut() {
        let stream = b"B\0\0\0\x05xQ\0\0\0\x0dselect 1\0d\0\0\0\x06xxS\0\0\0\x04";
        for pieces in 1..=stream.len() {
            let (out, looked_at, _) = passed(stream, pieces);
            assert_eq!(out, b"B\0\0\0\x05xd\0\0\0\x06xxS\0\0\0\x04");
            assert_eq!(looked_at, [9], "in pieces of {pieces}");
        }
    }

    #[test]
    fn long_messages_are_not_kept() {
        let mut stream = Vec::new();
        for kind in [b'D', b'Q', b'B'] {
            message(&mut stream, kind, |out| {
                out.resize(out.len() + 3 * LOOKED_AT, 7);
            });
        }
        let (out, looked_at, most) = passed(&stream, 32 * 1024);
        assert_eq!(out.len(), 2 * (3 * LOOKED_AT + 5));
        assert_eq!(looked_at, [LOOKED_AT]);
        assert!(most <= LOOKED_AT + 32 * 1024, "{most} bytes were kept");
    }

    #[test]
    fn a_length_that_cannot_be_is_refused() {
        let mut messages = Messages::default();
        messages.push(b"Q\0\0\0\x03");
        assert!(messages.front(|_| true, &mut Vec::new()).is_err());
    }
}

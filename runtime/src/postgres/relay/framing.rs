//! Finding the messages in a stream of bytes.
//!
//! A message is a byte that says what it is, a length that counts itself, and a body (PostgreSQL
//! manual, "Frontend/Backend Protocol"). The handshake is over when this begins.

use std::ffi::CStr;

/// The longest body that is read whole, in bytes. The rest of a longer one is skipped.
const KEPT: usize = 256 * 1024;

const HEADER: usize = 5;

/// The state of one direction of a connection.
#[derive(Default)]
pub(super) struct Framing {
    header: Vec<u8>,
    body: Vec<u8>,
    /// The bytes of the body that are still to come.
    missing: usize,
}

impl Framing {
    /// Reads the next bytes, and passes on each message that ends in them. Bodies of kinds that are
    /// not wanted are skipped, and passed on as empty.
    pub(super) fn read(
        &mut self,
        mut bytes: &[u8],
        wanted: impl Fn(u8) -> bool,
        mut tell: impl FnMut(u8, &[u8]),
    ) {
        while !bytes.is_empty() {
            if self.header.len() < HEADER {
                let taken = (HEADER - self.header.len()).min(bytes.len());
                self.header.extend_from_slice(&bytes[..taken]);
                bytes = &bytes[taken..];
                let Some(length) = self.header.get(1..HEADER) else {
                    return;
                };
                let length = length.try_into().map_or(0, u32::from_be_bytes);
                self.missing = (length as usize).saturating_sub(4);
            }
            let taken = self.missing.min(bytes.len());
            if wanted(self.header[0]) {
                let kept = taken.min(KEPT.saturating_sub(self.body.len()));
                self.body.extend_from_slice(&bytes[..kept]);
            }
            self.missing -= taken;
            bytes = &bytes[taken..];
            if self.missing == 0 {
                tell(self.header[0], &self.body);
                self.header.clear();
                self.body.clear();
            }
        }
    }
}

/// Reads the parts of a body from its beginning.
pub(super) struct Body<'a>(pub(super) &'a [u8]);

impl<'a> Body<'a> {
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let text = CStr::from_bytes_until_nul(self.0).ok()?;
        self.0 = &self.0[text.count_bytes() + 1..];
        text.to_str().ok()
    }

    /// The same, or what there is of it, where the end of a long body was not kept.
    pub(super) fn text_or_beginning(&mut self) -> Option<&'a str> {
        if CStr::from_bytes_until_nul(self.0).is_ok() {
            return self.text();
        }
        let rest = std::mem::take(&mut self.0);
        match std::str::from_utf8(rest) {
            Ok(text) => Some(text),
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).ok(),
        }
    }

    /// Whether there is another pair of strings: a list of them ends with an empty name.
    pub(super) fn has_more(&self) -> bool {
        self.0.first().is_some_and(|byte| *byte != 0)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.bytes(2)?.try_into().ok()?))
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::Framing;

    /// All messages that are passed on when a stream arrives in pieces of one length.
    fn messages(stream: &[u8], pieces: usize) -> Vec<(u8, Vec<u8>)> {
        let mut framing = Framing::default();
        let mut messages = Vec::new();
        for piece in stream.chunks(pieces) {
            framing.read(
                piece,
                |kind| kind != b'd',
                |kind, body| messages.push((kind, body.to_vec())),
            );
        }
        messages
    }

    #[test]
    fn messages_are_found_wherever_the_stream_is_cut() {
        let stream = b"Q\0\0\0\x0dselect 1\0d\0\0\0\x06xxS\0\0\0\x04";
        let whole = messages(stream, stream.len());
        let expected = [
            (b'Q', b"select 1\0".to_vec()),
            (b'd', Vec::new()),
            (b'S', Vec::new()),
        ];
        assert_eq!(whole, expected);
        for pieces in 1..stream.len() {
            assert_eq!(messages(stream, pieces), whole, "in pieces of {pieces}");
        }
    }
}

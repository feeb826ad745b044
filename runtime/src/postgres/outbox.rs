//! A buffer of writes to a non-blocking socket.

use std::io::{self, Write};

/// The capacity that an empty buffer keeps, in bytes.
const KEPT: usize = 1024 * 1024;

/// What is being written. It is never moved: a long message whose rest is moved after each write
/// costs the square of its length.
#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// Writes as much as can be written at once, and after that what comes `next`, of which nothing
    /// is left then. It is left as it is while the peer has not taken what came before.
    pub(crate) fn send(&mut self, peer: &mut impl Write, next: &mut Vec<u8>) -> io::Result<()> {
        loop {
            if self.is_empty() {
                self.clear();
                if next.is_empty() {
                    return Ok(());
                }
                std::mem::swap(&mut self.bytes, next);
            }
            match peer.write(&self.bytes[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.written += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// How many bytes the peer has still to take.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.written = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::{KEPT, Outbox};

    /// Takes so many bytes at a time, and then none until it is asked again.
    struct Slow {
        taken: Vec<u8>,
        at_once: usize,
        is_full: bool,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_full = !self.is_full;
            if !self.is_full {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let length = bytes.len().min(self.at_once);
            self.taken.extend_from_slice(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bytes_arrive_in_order_and_stay_where_they_are_until_then() {
        let mut peer = Slow {
            taken: Vec::new(),
            at_once: 3,
            is_full: false,
        };
        let (mut outbox, mut next) = (Outbox::default(), b"abcdefgh".to_vec());
        outbox.send(&mut peer, &mut next).expect("it is taken");
        let place = outbox.bytes.as_ptr();
        next.extend_from_slice(b"ij");
        while !outbox.is_empty() {
            assert_eq!(outbox.bytes.as_ptr(), place);
            assert_eq!(outbox.len() + peer.taken.len(), 8);
            assert_eq!(next, b"ij");
            outbox.send(&mut peer, &mut next).expect("it is taken");
            if next.is_empty() {
                break;
            }
        }
        while !outbox.is_empty() {
            outbox.send(&mut peer, &mut next).expect("it is taken");
        }
        assert_eq!(peer.taken, b"abcdefghij");
    }

    #[test]
    fn the_room_of_a_long_message_is_given_back() {
        let (mut outbox, mut next) = (Outbox::default(), vec![0; 4 * KEPT]);
        outbox
            .send(&mut io::sink(), &mut next)
            .expect("it is taken");
        assert!(outbox.is_empty());
        assert!(outbox.bytes.capacity() <= KEPT);
    }
}

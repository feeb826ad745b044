//! A socket that is never waited for.

use std::io::{self, Read, Write};

/// What could be read.
pub(super) enum Received {
    Bytes(usize),
    Nothing,
    End,
}

/// Reads what is there.
pub(super) fn receive(socket: &mut impl Read, into: &mut [u8]) -> io::Result<Received> {
    loop {
        return match socket.read(into) {
            Ok(0) => Ok(Received::End),
            Ok(length) => Ok(Received::Bytes(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Received::Nothing),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
    }
}

/// Writes as much as can be written at once, and takes it off the buffer.
pub(super) fn send(socket: &mut impl Write, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut written = 0;
    let result = loop {
        if written == buffer.len() {
            break Ok(());
        }
        match socket.write(&buffer[written..]) {
            Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => written += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    if written == buffer.len() {
        buffer.clear();
    } else {
        buffer.drain(..written);
    }
    result
}

//! Copying bytes between a connection and its server, on a thread of its own.
//!
//! A thread that waits in `poll` for two sockets costs less than two tasks of a runtime: there is
//! no readiness to register, and nothing to wake but the reader.

use std::{
    io,
    sync::{MutexGuard, PoisonError},
};

use rustix::event::{PollFd, PollFlags, poll};

use super::{Shared, conversation::Conversation, framing::Framing, side::Side};

/// The most that is copied at once, in bytes.
const CHUNK: usize = 32 * 1024;

/// Relays until either side ends. What one side has sent before its end is forwarded.
///
/// Neither side is waited for while the other one has something to say: a server that sends rows
/// while its client is still sending parameters would otherwise stop both.
pub(super) fn run(mut client: Side, mut server: Side, shared: &Shared) -> io::Result<()> {
    let (mut questions, mut answers) = (Framing::of_a_client(), Framing::of_a_server());
    let mut chunk = vec![0; CHUNK];
    loop {
        let (from_client, from_server) = ready(&client, &server)?;
        if from_server.contains(PollFlags::OUT) {
            server.flush()?;
        }
        if from_client.contains(PollFlags::OUT) {
            client.flush()?;
        }
        if from_server.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            match server.receive(&mut chunk)? {
                Some(0) => return client.finish(),
                // First, so that whoever sees an answer finds it recorded.
                Some(length) => {
                    let heard = lock(shared).hear_server(&mut answers, &chunk[..length]);
                    let (hidden, then) = heard;
                    client.send(&chunk[hidden..length])?;
                    if let Some(then) = then {
                        client.send(&then)?;
                    }
                }
                None => {}
            }
        }
        if from_client.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            match client.receive(&mut chunk)? {
                Some(0) => return server.finish(),
                Some(length) => {
                    let heard = lock(shared).hear_client(&mut questions, &chunk[..length]);
                    let (first, left_out) = heard;
                    let asked = &chunk[left_out..length];
                    let sent = match first {
                        Some(first) => server.send(&[&first, asked].concat()),
                        None => server.send(asked),
                    };
                    // A server that has ended is still to be read, up to why.
                    sent.ok();
                }
                None => {}
            }
        }
    }
}

/// Waits until one side can be read, or written to where something is left to be written.
fn ready(client: &Side, server: &Side) -> io::Result<(PollFlags, PollFlags)> {
    let mut both = [
        PollFd::from_borrowed_fd(client.descriptor(), client.interest(server)),
        PollFd::from_borrowed_fd(server.descriptor(), server.interest(client)),
    ];
    loop {
        match poll(&mut both, None) {
            Err(rustix::io::Errno::INTR) => {}
            result => {
                result?;
                return Ok((both[0].revents(), both[1].revents()));
            }
        }
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, Conversation> {
    shared
        .conversation
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::Shutdown,
        os::unix::net::UnixStream,
        thread,
        time::Duration,
    };

    use super::{Shared, Side, lock, run};

    #[test]
    fn a_server_that_can_not_be_written_to_is_still_heard() {
        let (mut client, clients_side) = UnixStream::pair().expect("there are sockets");
        let (mut server, servers_side) = UnixStream::pair().expect("there are sockets");
        server
            .shutdown(Shutdown::Read)
            .expect("it does not read any more");
        client
            .write_all(b"\0\0\0\x08\0\x03\0\0")
            .expect("it is written");
        let said = b"E\0\0\0\x26SFATAL\0VFATAL\0C57P01\0Mit is over\0\0";
        let saying = thread::spawn(move || {
            // After the relay has tried to write.
            thread::sleep(Duration::from_millis(50));
            server.write_all(said)
        });
        let (clients_side, servers_side) = (Side::client(clients_side), Side::client(servers_side));
        let shared = Shared::default();
        run(
            clients_side.expect("it is one"),
            servers_side.expect("it is one"),
            &shared,
        )
        .expect("both sides end in good order");
        saying
            .join()
            .expect("it does not panic")
            .expect("it is said");
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).expect("it is read");
        assert_eq!(heard, said);
        let last_words = lock(&shared).last_words();
        assert_eq!(last_words.map(|error| error.code).as_deref(), Some("57P01"));
    }
}

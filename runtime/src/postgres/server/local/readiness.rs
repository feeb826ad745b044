//! Whether a server accepts connections, asked on its socket with the least that PostgreSQL's
//! protocol allows.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use super::SUPERUSER;

/// How long an answer may take, which is the time in which a busy machine starts a process.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// `cannot_connect_now`: starting up, shutting down, or recovering.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const CANNOT_CONNECT_NOW: &[u8] = b"C57P03\0";

/// `SSLRequest`, which the server answers with one byte.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Whether some server lives, which may still be starting up. Costs it a fork.
///
/// That it accepts a connection would not be enough: the kernel does that for a killed server until
/// its process has ended.
pub(super) fn answers(socket: &Path) -> bool {
    let ask = |mut stream: UnixStream| {
        stream.write_all(&SSL_REQUEST)?;
        stream.read_exact(&mut [0])
    };
    converse(socket, ask).is_ok()
}

/// Whether a connection would be served now. Costs the server a session.
pub(super) fn serves(socket: &Path) -> bool {
    converse(socket, first_answer).is_ok_and(|answer| match answer.kind {
        b'R' => true,
        // Any other refusal (too many connections, say) comes from a server that is up.
        b'E' => !answer
            .body
            .windows(CANNOT_CONNECT_NOW.len())
            .any(|field| field == CANNOT_CONNECT_NOW),
        _ => false,
    })
}

/// Connects and talks, both within the limit.
///
/// In a thread of its own: `std` cannot limit the time of `connect`, which waits while a server
/// that accepts nothing has a full queue. Such a thread ends with the server.
fn converse<T: Send + 'static>(
    socket: &Path,
    talk: impl FnOnce(UnixStream) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = mpsc::channel();
    let socket = socket.to_owned();
    let conversation = move || {
        let result = UnixStream::connect(socket).and_then(|stream| {
            stream.set_read_timeout(Some(ANSWER_LIMIT))?;
            stream.set_write_timeout(Some(ANSWER_LIMIT))?;
            talk(stream)
        });
        // Nobody waits any more if it took too long.
        let _ = sender.send(result);
    };
    thread::Builder::new().spawn(conversation)?;
    receiver
        .recv_timeout(ANSWER_LIMIT)
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

struct Answer {
    kind: u8,
    body: Vec<u8>,
}

fn first_answer(mut stream: UnixStream) -> io::Result<Answer> {
    stream.write_all(&startup_message())?;
    let mut header = [0; 5];
    stream.read_exact(&mut header)?;
    let [kind, length @ ..] = header;
    let body_length = u64::from(u32::from_be_bytes(length).saturating_sub(4)).min(8192);
    let mut body = Vec::new();
    Read::take(&mut stream, body_length).read_to_end(&mut body)?;
    // `Terminate`, for a server that would otherwise report a lost client. It may have closed
    // already.
    let _ = stream.write_all(&[b'X', 0, 0, 0, 4]);
    Ok(Answer { kind, body })
}

/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>, `StartupMessage` of
/// protocol 3.0.
fn startup_message() -> Vec<u8> {
    let parameters =
        format!("user\0{SUPERUSER}\0database\0postgres\0application_name\0db-test\0\0");
    let length = u32::try_from(8 + parameters.len()).unwrap_or(u32::MAX);
    [
        &length.to_be_bytes()[..],
        &0x0003_0000_u32.to_be_bytes(),
        parameters.as_bytes(),
    ]
    .concat()
}

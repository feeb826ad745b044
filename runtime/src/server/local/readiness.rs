//! Whether a server accepts connections, asked on its socket with the least that PostgreSQL's protocol allows.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use super::SUPERUSER;

/// `cannot_connect_now`: starting up, shutting down, or recovering.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const CANNOT_CONNECT_NOW: &[u8] = b"C57P03\0";

/// Whether some server listens. Costs 20 µs here, and does not say that the server has started up.
pub(super) fn listens(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

/// Whether a connection would be served now. Costs the server a process.
pub(super) fn serves(socket: &Path) -> bool {
    first_answer(socket).is_ok_and(|answer| match answer.kind {
        b'R' => true,
        // Any other refusal (too many connections, say) comes from a server that is up.
        b'E' => !answer
            .body
            .windows(CANNOT_CONNECT_NOW.len())
            .any(|field| field == CANNOT_CONNECT_NOW),
        _ => false,
    })
}

struct Answer {
    kind: u8,
    body: Vec<u8>,
}

fn first_answer(socket: &Path) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(&startup_message())?;
    let mut header = [0; 5];
    stream.read_exact(&mut header)?;
    let [kind, length @ ..] = header;
    let body_length = u64::from(u32::from_be_bytes(length).saturating_sub(4)).min(8192);
    let mut body = Vec::new();
    Read::take(&mut stream, body_length).read_to_end(&mut body)?;
    // `Terminate`, for a server that would otherwise report a lost client. It may have closed already.
    let _ = stream.write_all(&[b'X', 0, 0, 0, 4]);
    Ok(Answer { kind, body })
}

/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>, `StartupMessage` of protocol 3.0.
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

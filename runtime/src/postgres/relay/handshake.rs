//! The beginning of a connection through a relay: a client says who it is, and the server is
//! connected to as that.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use bytes::{BufMut, BytesMut};

use super::{
    framing::Body,
    passage::{self, Watcher},
};
use crate::postgres::{
    error_response, pool_mark,
    reception::Arrival,
    request_code::{CANCEL_REQUEST, GSS_REQUEST, LONGEST_STARTUP, SSL_REQUEST},
    socket::Socket,
    sqlstate,
    upstream::{BackendConnection, Upstream},
};

/// How long a client may take to introduce itself.
const INTRODUCTION_LIMIT: Duration = Duration::from_secs(10);

/// Serves one client until it or the server ends the connection.
pub(super) fn serve(
    arrival: Arrival,
    upstream: &Upstream,
    watcher: Option<Watcher>,
) -> io::Result<()> {
    let Arrival {
        socket: mut client,
        sent,
    } = arrival;
    client.set_nonblocking(false)?;
    client.set_timeout(Some(INTRODUCTION_LIMIT))?;
    let Some(parameters) = introduction(&mut client, sent, upstream)? else {
        return Ok(());
    };
    let is_of_pool = pool_mark::is_in(&parameters);
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    match upstream.connect(&parameters) {
        Ok(connection) => {
            if let Some(watcher) = &watcher
                && !is_of_pool
            {
                watcher.opened_elsewhere();
            }
            client.write_all(&welcome(&connection))?;
            client.set_timeout(None)?;
            passage::run(client, connection.stream, watcher)
        }
        Err(error) => client.write_all(&refusal(&error)),
    }
}

/// What a client says of itself; nothing if it only wanted something cancelled, or is refused.
fn introduction(
    client: &mut Socket,
    sent: Vec<u8>,
    upstream: &Upstream,
) -> io::Result<Option<Vec<(String, String)>>> {
    // What the reception has read is a whole message.
    let message = if sent.is_empty() {
        first_message(client)?
    } else {
        sent
    };
    let mut body = Body(message.get(4..).unwrap_or_default());
    if body.u32() == Some(CANCEL_REQUEST) {
        if let (Some(process_id), Some(secret_key)) = (body.i32(), body.i32()) {
            upstream.cancel(process_id, secret_key).ok();
        }
        return Ok(None);
    }
    let mut parameters = Vec::new();
    while body.has_more()
        && let (Some(name), Some(value)) = (body.text(), body.text())
    {
        parameters.push((name.to_owned(), value.to_owned()));
    }
    Ok(Some(parameters))
}

/// The first message that is more than a question for encryption.
fn first_message(client: &mut Socket) -> io::Result<Vec<u8>> {
    loop {
        let mut message = vec![0; 4];
        client.read_exact(&mut message)?;
        let length = message.as_slice().try_into().map_or(0, u32::from_be_bytes) as usize;
        if !(8..=LONGEST_STARTUP).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        message.resize(length, 0);
        client.read_exact(&mut message[4..])?;
        match Body(&message[4..]).u32() {
            // There is nothing to hide between two threads of one process.
            Some(SSL_REQUEST | GSS_REQUEST) => client.write_all(b"N")?,
            _ => return Ok(message),
        }
    }
}

/// What a server says when it begins to serve.
fn welcome(connection: &BackendConnection) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_slice(b"R\0\0\0\x08\0\0\0\0");
    for (name, value) in &connection.parameters {
        out.put_u8(b'S');
        out.put_u32(u32::try_from(name.len() + value.len() + 6).unwrap_or(u32::MAX));
        out.put_slice(name.as_bytes());
        out.put_u8(0);
        out.put_slice(value.as_bytes());
        out.put_u8(0);
    }
    out.put_slice(b"K\0\0\0\x0c");
    out.put_i32(connection.process_id);
    out.put_i32(connection.secret_key);
    out.put_slice(b"Z\0\0\0\x05I");
    out
}

fn refusal(error: &sqlx::Error) -> Vec<u8> {
    match error.as_database_error() {
        Some(refused) => error_response(&refused.code().unwrap_or_default(), refused.message()),
        None => error_response(sqlstate::UNABLE_TO_CONNECT, &format!("db-test: {error}")),
    }
}

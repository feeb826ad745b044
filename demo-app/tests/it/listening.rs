//! The TCP sockets on which this process listens, as Linux lists them.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// How long an HTTP server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The addresses at which this process answers HTTP.
pub(crate) fn http_servers() -> Vec<SocketAddr> {
    sockets()
        .into_iter()
        .filter(|&address| speaks_http(address))
        .collect()
}

/// Serves one request, to show that such a server would be found.
pub(crate) fn serve_http_once() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    thread::spawn(move || {
        let (mut socket, _) = listener.accept()?;
        let _ = socket.read(&mut [0; 1024])?;
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
    });
    address
}

fn speaks_http(address: SocketAddr) -> bool {
    let ask = || -> io::Result<bool> {
        let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = [0; 5];
        socket.read_exact(&mut answer)?;
        Ok(answer == *b"HTTP/")
    };
    ask().unwrap_or(false)
}

/// The addresses of this process's own listening sockets; those of other processes are left out.
fn sockets() -> Vec<SocketAddr> {
    let own = inodes();
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    let tables = tables.map(|path| fs::read_to_string(path).unwrap_or_default());
    tables
        .iter()
        .flat_map(|table| table.lines().skip(1))
        .filter_map(|row| listens(row, &own))
        .collect()
}

/// The address of a row, if it is of a listening socket with one of these inodes.
fn listens(row: &str, own: &HashSet<String>) -> Option<SocketAddr> {
    let columns: Vec<_> = row.split_whitespace().collect();
    let [_, local, _, LISTEN, _, _, _, _, _, inode, ..] = columns[..] else {
        return None;
    };
    let port = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    // Whichever interface it is bound to, the loopback reaches it.
    own.contains(inode)
        .then_some((Ipv4Addr::LOCALHOST, port).into())
}

/// The inodes of this process's open sockets.
fn inodes() -> HashSet<String> {
    let open = fs::read_dir("/proc/self/fd")
        .expect("Linux has /proc")
        .flatten();
    let links = open.filter_map(|entry| {
        fs::read_link(entry.path())
            .ok()?
            .into_os_string()
            .into_string()
            .ok()
    });
    links
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect()
}

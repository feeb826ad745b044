//! A server that accepts only encrypted connections: it decrypts, and passes everything on to
//! another server.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::{fd::AsFd, unix::net::UnixStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::event::{PollFd, PollFlags, poll};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

/// What a server says to who does not encrypt (`auth.c`).
const REFUSAL: &[u8] =
    b"E\0\0\0\x3fSFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry, no encryption\0\0";

/// A server in front of another one.
pub(crate) struct Encrypted {
    pub(crate) port: u16,
    /// The certificate of the authority that vouches for it.
    pub(crate) authority: String,
    connections: Arc<AtomicUsize>,
}

impl Encrypted {
    /// Starts one in front of a server's socket; its certificate is for `localhost`.
    pub(crate) fn before(server: PathBuf) -> Self {
        let (config, authority) = config();
        let listener = TcpListener::bind("127.0.0.1:0").expect("there are ports");
        let port = listener.local_addr().expect("it is bound").port();
        let encrypted = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&encrypted);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (config, server) = (Arc::clone(&config), server.clone());
                let counted = Arc::clone(&counted);
                thread::spawn(move || serve(client, config, &server, &counted));
            }
        });
        Self {
            port,
            authority,
            connections: encrypted,
        }
    }

    /// How many connections were encrypted.
    pub(crate) fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

fn config() -> (Arc<ServerConfig>, String) {
    let mut params = CertificateParams::new([]).expect("it has no names");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("there is randomness");
    let authority = CertifiedIssuer::self_signed(params, key).expect("it signs itself");
    let key = KeyPair::generate().expect("there is randomness");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("it is a name");
    let certificate = params.signed_by(&key, &authority).expect("it is signed");
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("they are known")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .expect("they belong together");
    (Arc::new(config), authority.pem())
}

fn serve(
    mut client: TcpStream,
    config: Arc<ServerConfig>,
    server: &PathBuf,
    counted: &AtomicUsize,
) -> io::Result<()> {
    let mut first = [0; 8];
    client.read_exact(&mut first)?;
    if first != SSL_REQUEST {
        client.write_all(REFUSAL)?;
        // What is not read takes the refusal with it.
        return io::copy(&mut client, &mut io::sink()).map(drop);
    }
    client.write_all(b"S")?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut client = StreamOwned::new(connection, client);
    client.flush()?;
    let mut server = UnixStream::connect(server)?;
    let mut first = true;
    client.sock.set_nonblocking(true)?;
    server.set_nonblocking(true)?;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let from_client = client.read(&mut chunk);
        let from_client = pass(from_client, &chunk, &mut server)?;
        if from_client && std::mem::take(&mut first) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        let answered = server.read(&mut chunk);
        let answered = pass(answered, &chunk, &mut client)?;
        if !from_client && !answered {
            let both = [client.sock.as_fd(), server.as_fd()];
            wait(&mut both.map(|socket| PollFd::from_borrowed_fd(socket, PollFlags::IN)));
        }
    }
}

/// Passes on what was read, if anything was.
fn pass(read: io::Result<usize>, chunk: &[u8], to: &mut impl Writing) -> io::Result<bool> {
    let length = match read {
        Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut rest = &chunk[..length];
    while !rest.is_empty() {
        match to.write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => to.wait(),
            Err(error) => return Err(error),
        }
    }
    while let Err(error) = to.flush() {
        if error.kind() != io::ErrorKind::WouldBlock {
            return Err(error);
        }
        to.wait();
    }
    Ok(true)
}

/// A side that may be full.
trait Writing: Write {
    /// Waits until it can take more.
    fn wait(&self);
}

impl Writing for UnixStream {
    fn wait(&self) {
        wait(&mut [PollFd::new(self, PollFlags::OUT)]);
    }
}

impl Writing for StreamOwned<ServerConnection, TcpStream> {
    fn wait(&self) {
        wait(&mut [PollFd::new(&self.sock, PollFlags::OUT)]);
    }
}

fn wait(sockets: &mut [PollFd<'_>]) {
    // Interrupted or not, the sockets are tried again.
    poll(sockets, None).ok();
}

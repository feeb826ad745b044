//! Connections to the server that are not made by a driver: the proxy needs their bytes.

mod refusal;
mod startup;
mod stream;
#[cfg(feature = "tls")]
mod tls;

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};

pub(crate) use self::{
    startup::{BackendConnection, Row},
    stream::Stream,
};
use crate::postgres::sqlstate::{self, is};

/// How long a server may take to answer while a connection is made.
const LIMIT: Duration = Duration::from_secs(10);

/// Where a server is, who connects, and how.
#[derive(Clone)]
pub(crate) struct Upstream {
    address: Address,
    ssl: Ssl,
    user: String,
    database: String,
    password: Option<String>,
}

#[derive(Clone)]
enum Address {
    #[cfg(unix)]
    Unix(PathBuf),
    Tcp {
        host: String,
        port: u16,
    },
}

/// What a URL says of encryption.
#[derive(Clone)]
struct Ssl {
    mode: PgSslMode,
    root: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Upstream {
    /// Where these options lead.
    pub(crate) fn of(options: &PgConnectOptions) -> Self {
        // The one way to what has no getter. A name that a URL cannot contain is not needed here.
        let secrets = options.clone().host("localhost").username("user");
        let secrets = secrets.to_url_lossy();
        let parameter = |name: &str| {
            let mut pairs = secrets.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        Self {
            address: Address::of(options),
            ssl: Ssl {
                mode: options.get_ssl_mode(),
                root: parameter("sslrootcert"),
                certificate: parameter("sslcert"),
                key: parameter("sslkey"),
            },
            user: options.get_username().to_owned(),
            database: options
                .get_database()
                .unwrap_or(options.get_username())
                .to_owned(),
            password: password(options),
        }
    }

    /// The role that connects, where nothing else is said.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Whether a connection is not encrypted at first: then a driver can make it by itself.
    pub(crate) fn is_plain(&self) -> bool {
        match self.ssl.mode {
            _ if self.is_unix() => true,
            PgSslMode::Disable | PgSslMode::Allow => true,
            // On this machine nobody reads along.
            PgSslMode::Prefer => !self.is_remote(),
            PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => false,
        }
    }

    /// Whether a server that insists on encryption can have it.
    pub(crate) fn may_be_encrypted(&self) -> bool {
        !self.is_unix() && !matches!(self.ssl.mode, PgSslMode::Disable)
    }

    /// Connects and authenticates; waits ten seconds for each answer at most.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, refuses, or wants what is not supported.
    pub(crate) fn connect(
        &self,
        parameters: &[(&str, &str)],
    ) -> Result<BackendConnection, sqlx::Error> {
        let is_plain = self.is_plain();
        match self.attempt(!is_plain, parameters) {
            Err(error)
                if is_plain
                    && self.may_be_encrypted()
                    && is(&error, sqlstate::INVALID_AUTHORIZATION_SPECIFICATION) =>
            {
                self.attempt(true, parameters)
            }
            result => result,
        }
    }

    fn attempt(
        &self,
        encrypted: bool,
        parameters: &[(&str, &str)],
    ) -> Result<BackendConnection, sqlx::Error> {
        let mut stream = self.open()?;
        if encrypted {
            stream = self.encrypt(stream)?;
        }
        stream.set_timeout(Some(LIMIT))?;
        let named = parameters.iter().find(|(name, _)| *name == "user");
        let user = named.map_or(self.user.as_str(), |(_, user)| user);
        let mut all = vec![("user", user)];
        all.extend(parameters.iter().filter(|(name, _)| *name != "user"));
        // The password is that of the role it was given for.
        let password = self.password.as_deref().filter(|_| user == self.user);
        startup::run(stream, &all, user, password)
    }

    fn open(&self) -> io::Result<Stream> {
        match &self.address {
            #[cfg(unix)]
            Address::Unix(path) => Stream::unix(path),
            Address::Tcp { host, port } => Stream::tcp(host, *port, Instant::now() + LIMIT),
        }
    }

    /// Asks for encryption; a server may say no.
    fn encrypt(&self, mut stream: Stream) -> Result<Stream, sqlx::Error> {
        if cfg!(not(feature = "tls")) {
            return match self.ssl.mode {
                PgSslMode::Allow => Ok(stream),
                _ => Err(sqlx::Error::Tls(
                    "it may have to be encrypted, for which db-test needs its feature `tls`".into(),
                )),
            };
        }
        stream.set_timeout(Some(LIMIT))?;
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        stream.write_all(&request)?;
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        match (answer[0], self.ssl.mode) {
            #[cfg(feature = "tls")]
            (b'S', _) => {
                let Address::Tcp { host, .. } = &self.address else {
                    return Ok(stream);
                };
                tls::handshake(stream, host, &self.ssl)
                    .map_err(|error| sqlx::Error::Tls(error.into()))
            }
            (_, PgSslMode::Prefer | PgSslMode::Allow) => Ok(stream),
            _ => Err(sqlx::Error::Tls(
                "the server does not support encryption".into(),
            )),
        }
    }

    /// Asks the server to cancel what a backend does. It says nothing to that.
    pub(crate) fn cancel(&self, process_id: i32, secret_key: i32) -> Result<(), sqlx::Error> {
        let mut stream = self.open()?;
        if !self.is_plain() {
            stream = self.encrypt(stream)?;
        }
        stream.set_timeout(Some(LIMIT))?;
        let mut request = BytesMut::new();
        frontend::cancel_request(process_id, secret_key, &mut request);
        stream.write_all(&request)?;
        // The end of the connection says that the request has been handled.
        let _ = stream.read(&mut [0]);
        Ok(())
    }

    fn is_unix(&self) -> bool {
        !matches!(self.address, Address::Tcp { .. })
    }

    fn is_remote(&self) -> bool {
        match &self.address {
            #[cfg(unix)]
            Address::Unix(_) => false,
            Address::Tcp { host, .. } => {
                let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
                host != "localhost" && !address.is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl Address {
    fn of(options: &PgConnectOptions) -> Self {
        let (host, port) = (options.get_host(), options.get_port());
        #[cfg(unix)]
        {
            let directory = options.get_socket().cloned();
            let directory = directory.or_else(|| host.starts_with('/').then(|| host.into()));
            if let Some(directory) = directory {
                return Self::Unix(directory.join(format!(".s.PGSQL.{port}")));
            }
        }
        let host = host.to_owned();
        Self::Tcp { host, port }
    }
}

/// The password that the options hold.
fn password(options: &PgConnectOptions) -> Option<String> {
    let url = options
        .clone()
        .host("localhost")
        .username("user")
        .to_url_lossy();
    let encoded = url.password()?;
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hexadecimal = (bytes[at] == b'%')
            .then(|| encoded.get(at + 1..at + 3))
            .flatten();
        let byte = hexadecimal.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests;

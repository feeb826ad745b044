//! Connection options as a URL that every driver reads.

use std::{fmt::Write, sync::LazyLock};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::Endpoint;

/// Options whose role and database are not known yet. The names in them stand for those of the
/// test.
pub(crate) fn unnamed() -> &'static PgConnectOptions {
    // Making them looks for a server's socket in the file system.
    static UNNAMED: LazyLock<PgConnectOptions> =
        LazyLock::new(PgConnectOptions::new_without_pgpass);
    &UNNAMED
}

impl Endpoint {
    /// The URL of connections that lead here as these options do.
    ///
    /// The directory of a socket is a parameter: libpq, tokio-postgres and sqlx all know it there.
    /// The password is checked after the test has ended only: it names the test.
    pub(crate) fn url(&self, options: &PgConnectOptions) -> String {
        let user = encoded(options.get_username());
        let database = encoded(options.get_database().unwrap_or(options.get_username()));
        match self {
            Self::Directory { path, port } => {
                let directory = encoded(&path.to_string_lossy());
                format!(
                    "postgres://{user}:{port}@localhost:{port}/{database}?host={directory}&sslmode=disable"
                )
            }
            Self::Loopback { port, token } => {
                format!("postgres://{user}:{token}@127.0.0.1:{port}/{database}?sslmode=disable")
            }
        }
    }

    /// Has a connection lead here.
    pub(crate) fn lead(&self, options: PgConnectOptions) -> PgConnectOptions {
        match self {
            Self::Directory { path, port } => {
                let options = options.socket(path).port(*port);
                let options = options.password(&port.to_string());
                options.ssl_mode(PgSslMode::Disable)
            }
            // A socket that was set cannot be taken back.
            Self::Loopback { .. } => {
                let mut url = self.url(&options);
                for (name, value) in [
                    ("options", options.get_options()),
                    ("application_name", options.get_application_name()),
                ] {
                    if let Some(value) = value {
                        write!(url, "&{name}={}", encoded(value)).ok();
                    }
                }
                url.parse().unwrap_or(options)
            }
        }
    }
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").ok();
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgConnectOptions;

    use super::Endpoint;

    fn endpoints() -> [Endpoint; 2] {
        let directory = Endpoint::Directory {
            path: "/tmp/a directory".into(),
            port: 7,
        };
        let loopback = Endpoint::Loopback {
            port: 7,
            token: "sesame".into(),
        };
        [directory, loopback]
    }

    #[test]
    fn a_url_leads_where_its_options_do() {
        let named = PgConnectOptions::new_without_pgpass()
            .username("ada@home")
            .database("a/b");
        for endpoint in endpoints() {
            let options = endpoint.lead(named.clone());
            let read: PgConnectOptions = endpoint.url(&options).parse().expect("it is a URL");
            assert_eq!(read.get_socket(), options.get_socket());
            assert_eq!((read.get_port(), read.get_username()), (7, "ada@home"));
            assert_eq!(read.get_database(), Some("a/b"));
        }
    }

    #[test]
    fn what_options_ask_for_goes_along() {
        let asking = PgConnectOptions::new_without_pgpass()
            .socket("/run/postgresql")
            .options([("role", "a b")])
            .application_name("mine");
        for endpoint in endpoints() {
            let led = endpoint.lead(asking.clone());
            assert_eq!(led.get_options(), asking.get_options());
            assert_eq!(led.get_application_name(), Some("mine"));
            assert_ne!(led.get_socket(), asking.get_socket());
        }
    }
}

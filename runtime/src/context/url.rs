//! Connection options as a URL that every driver reads.

use std::fmt::Write;

use sqlx::postgres::PgConnectOptions;

use crate::postgres::Place;

/// The URL of connections that lead to a place as these options do.
///
/// The directory of a socket is a parameter: libpq, tokio-postgres and sqlx all know it there.
pub(super) fn of(place: &Place, options: &PgConnectOptions) -> String {
    let user = encoded(options.get_username());
    let database = encoded(options.get_database().unwrap_or(options.get_username()));
    match place {
        Place::Directory { path, port } => {
            let directory = encoded(&path.to_string_lossy());
            format!(
                "postgres://{user}@localhost:{port}/{database}?host={directory}&sslmode=disable"
            )
        }
        Place::Loopback { port, token } => {
            format!("postgres://{user}:{token}@127.0.0.1:{port}/{database}?sslmode=disable")
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

    use super::{Place, of};

    #[test]
    fn a_url_leads_where_its_options_do() {
        let named = PgConnectOptions::new_without_pgpass()
            .username("ada@home")
            .database("a/b");
        for place in [
            Place::Directory {
                path: "/tmp/a directory".into(),
                port: 7,
            },
            Place::Loopback {
                port: 7,
                token: "sesame".into(),
            },
        ] {
            let options = place.lead(named.clone());
            let read: PgConnectOptions = of(&place, &options).parse().expect("it is a URL");
            assert_eq!(read.get_socket(), options.get_socket());
            assert_eq!((read.get_port(), read.get_username()), (7, "ada@home"));
            assert_eq!(read.get_database(), Some("a/b"));
        }
    }
}

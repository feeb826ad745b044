//! Connection options as a URL that every driver reads.

use std::fmt::Write;

use sqlx::postgres::PgConnectOptions;

/// The URL of a connection without a password.
///
/// The directory of a socket is a parameter: libpq, tokio-postgres and sqlx all know it there.
pub(super) fn of(options: &PgConnectOptions) -> String {
    let user = encoded(options.get_username());
    let database = encoded(options.get_database().unwrap_or(options.get_username()));
    let port = options.get_port();
    match options.get_socket() {
        Some(directory) => {
            let directory = encoded(&directory.to_string_lossy());
            format!(
                "postgres://{user}@localhost:{port}/{database}?host={directory}&sslmode=disable"
            )
        }
        None => {
            let host = options.get_host();
            format!("postgres://{user}@{host}:{port}/{database}?sslmode=disable")
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

    use super::of;

    #[test]
    fn a_url_leads_where_its_options_do() {
        let options = PgConnectOptions::new_without_pgpass()
            .socket("/tmp/a directory")
            .port(7)
            .username("ada@home")
            .database("a/b");
        let read: PgConnectOptions = of(&options).parse().expect("it is a URL");
        assert_eq!(
            (read.get_socket(), read.get_port()),
            (options.get_socket(), 7)
        );
        assert_eq!(
            (read.get_username(), read.get_database()),
            ("ada@home", Some("a/b"))
        );
    }
}

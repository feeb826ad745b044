use sqlx::postgres::PgConnectOptions;

use super::{Address, Upstream};

fn upstream(url: &str) -> Upstream {
    Upstream::of(&url.parse::<PgConnectOptions>().expect("it is a URL"))
}

#[test]
fn a_password_is_used_as_it_was_meant_whatever_is_in_it() {
    let found = upstream("postgres://ada:p%40ss%25%20w%C3%B6rd@db.example/x").password;
    assert_eq!(found.as_deref(), Some("p@ss% wörd"));
}

#[test]
fn what_is_not_part_of_a_url_by_itself_does_no_harm() {
    let options = PgConnectOptions::new_without_pgpass()
        .username("a/b@c d")
        .password("x");
    let upstream = Upstream::of(&options);
    assert_eq!(
        (upstream.user.as_str(), upstream.password.as_deref()),
        ("a/b@c d", Some("x"))
    );
}

#[test]
fn only_another_machine_needs_encryption() {
    for (url, remote) in [
        ("postgres://ada@db.example/x", true),
        ("postgres://ada@localhost/x", false),
        ("postgres://ada@127.0.0.1/x", false),
        ("postgres://ada@[::1]/x", false),
        ("postgres:///x?host=/tmp", false),
    ] {
        assert_eq!(upstream(url).is_remote(), remote, "{url}");
    }
}

#[test]
#[cfg(unix)]
fn a_directory_is_where_a_socket_is() {
    let Address::Unix(path) = upstream("postgres://ada@%2Frun%2Fpg:6543/x").address else {
        panic!("it is a socket");
    };
    assert_eq!(path.to_str(), Some("/run/pg/.s.PGSQL.6543"));
}

#[test]
#[cfg(unix)]
fn the_reason_of_a_server_that_has_gone_is_read_even_if_it_cannot_be_written_to() {
    use std::io::Write;

    let (ours, mut server) = std::os::unix::net::UnixStream::pair().expect("there are sockets");
    let greeting = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    let refusal = b"E\0\0\0\x19SFATAL\0C57P01\0Mgone\0\0";
    server.write_all(greeting).expect("it is open");
    let mut session = super::startup::run(super::Stream::Unix(ours), &[], "ada", None)
        .unwrap_or_else(|error| panic!("it is served: {error}"));
    server.write_all(refusal).expect("it is open");
    // A child of another test may hold a copy of the socket for a moment, so it is not enough to
    // drop it.
    let ended = server.shutdown(std::net::Shutdown::Both);
    ended.expect("it is open");

    let error = session.query("select 1").expect_err("it has gone");

    assert!(crate::postgres::sqlstate::is(&error, "57P01"), "{error}");
}

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

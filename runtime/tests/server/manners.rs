//! What the server keeps of the process that started it.

use std::process::Command;

use crate::{
    machine::shows_processes,
    process::about,
    site::Site,
    user::{User, run},
};

/// As `cargo test | cat` waits for its pipe, and bats for descriptor 3.
#[test]
fn nothing_inherited_is_kept_open() {
    let site = Site::with_data();
    let user = site.command();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 3>&2 9>&2"])
        .arg(user.get_program())
        .args(user.get_args());
    site.surround(&mut command);
    run(&mut command).assert_passed();
    site.assert_serves();
}

#[test]
fn the_environment_of_the_server_holds_no_secrets() {
    if !shows_processes() {
        return;
    }
    let site = Site::with_data();
    let mut command = site.command();
    command
        .env("SECRET", "sesame")
        .env("PGPORT", "1")
        .env("PGDATA", "/x");
    let mut user = User::staying(&mut command);
    user.expect_joined();
    let environment = about(site.postmaster(), "environ");
    for name in ["SECRET", "PGPORT", "PGDATA"] {
        assert!(!environment.contains(&format!("{name}=")), "{environment}");
    }
    user.leave();
}

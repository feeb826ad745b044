//! Directories that are not accepted.

use std::{
    fs,
    os::unix::fs::{chown, symlink},
};

use crate::{
    machine,
    site::{Site, make_dir},
    user::refusal,
};

#[test]
fn a_symbolic_link_in_place_of_the_home_is_refused() {
    let site = Site::new();
    let target = site.beside("target");
    make_dir(&target, 0o755);
    symlink(&target, site.home()).expect("the directory is ours");
    let said = refusal(&mut site.command());
    assert!(said.contains("symbolic link"), "{said}");
    let entries = fs::read_dir(&target).expect("it is there").count();
    assert_eq!(entries, 0);
}

#[test]
fn a_home_of_another_user_is_refused() {
    let site = Site::new();
    let mut command = site.command();
    if machine::is_root() {
        make_dir(&site.home(), 0o755);
        chown(site.home(), Some(12345), None).expect("root may give it away");
    } else {
        command.env("DB_TEST_HOME", "/usr");
    }
    let said = refusal(&mut command);
    assert!(said.contains("belongs to user"), "{said}");
}

#[test]
fn a_home_that_others_may_write_to_is_refused() {
    let site = Site::new();
    make_dir(&site.home(), 0o777);
    let said = refusal(&mut site.command());
    assert!(said.contains("chmod go-w"), "{said}");
}

#[test]
fn a_home_whose_entries_others_may_replace_is_refused() {
    let site = Site::new();
    make_dir(&site.beside("open"), 0o777);
    let home = site.beside("open/home");
    let said = refusal(site.command().env("DB_TEST_HOME", home));
    assert!(said.contains("chmod o-w"), "{said}");
}

#[test]
fn a_home_that_cannot_be_made_is_refused() {
    let Some(site) = Site::of_an_ordinary_user() else {
        return;
    };
    make_dir(&site.beside("closed"), 0o555);
    let home = site.beside("closed/home");
    let said = refusal(site.command().env("DB_TEST_HOME", home));
    assert!(said.contains("Permission denied"), "{said}");
}

#[test]
fn a_home_with_too_long_a_path_is_refused() {
    let site = Site::new();
    let home = site.beside(&"x".repeat(80));
    let said = refusal(site.command().env("DB_TEST_HOME", home));
    assert!(said.contains("bytes long"), "{said}");
}

#[test]
fn root_is_told_of_a_home_that_its_server_cannot_enter() {
    if !machine::is_root() {
        return machine::skip("only the server of root runs as another user");
    }
    let site = Site::new();
    let closed = site.beside("closed");
    make_dir(&closed, 0o700);
    let said = refusal(site.command().env("DB_TEST_HOME", closed.join("home")));
    assert!(said.contains("which only its owner can enter"), "{said}");
}

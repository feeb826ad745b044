//! Directories that are not accepted.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown, symlink},
    path::Path,
    process::Command,
};

use crate::{
    machine,
    site::{Site, make_dir},
    user::{self, refusal},
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
fn root_is_reported_of_a_home_that_its_server_cannot_enter() {
    if !machine::is_root() {
        return machine::skip("only the server of root runs as another user");
    }
    let site = Site::new();
    let closed = site.beside("closed");
    make_dir(&closed, 0o700);
    let said = refusal(site.command().env("DB_TEST_HOME", closed.join("home")));
    assert!(said.contains("which only its owner can enter"), "{said}");
}

#[test]
fn others_may_not_write_to_what_is_made_under_a_generous_umask() {
    let site = Site::new();
    let usual = site.command();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
    command.arg(usual.get_program()).args(usual.get_args());
    site.surround(&mut command);
    let above = site.beside("above");
    let home = above.join("h");
    command
        .env("DB_TEST_HOME", &home)
        .env("DB_TEST_KEEP", "all");
    user::run(&mut command).assert_passed();
    let mut open = Vec::new();
    find_open(&above, &mut open);
    assert!(open.is_empty(), "others may write to {open:?}");
    // The server's processes are found by the usual home.
    fs::remove_dir_all(&home).expect("it is ours");
}

/// The files and directories that others may write to.
fn find_open(path: &Path, open: &mut Vec<String>) {
    // The server removes files of its own meanwhile.
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return;
    };
    if !metadata.is_symlink() && metadata.mode() & 0o022 != 0 {
        open.push(format!("{} ({:o})", path.display(), metadata.mode()));
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).expect("we may enter").flatten() {
            find_open(&entry.path(), open);
        }
    }
}

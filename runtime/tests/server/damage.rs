//! Data that is not as the last server left it.

use std::{fs, path::Path};

use crate::{machine::eventually, process::is_alive, site::Site};

/// Stops a server, damages its data, and returns the message for the next user.
fn damaged(damage: impl FnOnce(&Path)) -> (String, Site) {
    let site = Site::with_data().idle_after(0);
    site.join().leave();
    let postmaster = site.postmaster();
    eventually("it stops", || !is_alive(postmaster));
    damage(&site.file("data"));
    let mut user = site.spawn();
    let said = user.expect_joined();
    user.leave();
    (said, site)
}

#[test]
fn data_with_a_truncated_control_file_is_made_anew_with_a_note() {
    let (said, _site) = damaged(|data| {
        fs::write(data.join("global/pg_control"), "").expect("it can be written to");
    });
    assert!(said.contains("made anew"), "{said}");
}

#[test]
fn data_of_an_earlier_boot_is_made_anew() {
    let (said, site) = damaged(|data| {
        let boot = data.with_file_name("boot");
        fs::write(boot, "another").expect("it can be written to");
        fs::write(data.join("mark"), "").expect("it can be written to");
    });
    assert_eq!(said, "");
    assert!(!site.file("data/mark").exists());
}

#[test]
fn data_with_a_stale_process_id_of_a_living_process_is_used() {
    let (said, _site) = damaged(|data| {
        let stale = format!("{}\n{}\n", std::process::id(), data.display());
        fs::write(data.join("postmaster.pid"), stale).expect("it can be written to");
    });
    assert_eq!(said, "");
}

#[test]
fn a_removed_directory_stops_the_server_and_a_new_one_comes() {
    let site = Site::with_data();
    let user = site.join();
    let postmaster = site.postmaster();
    // Again and again: the server may be writing a file just then.
    eventually("it is removed", || {
        fs::remove_dir_all(site.home()).is_ok() || !site.home().exists()
    });
    let second = site.join();
    eventually("the old one ends", || !is_alive(postmaster));
    second.leave();
    user.kill();
}

//! What happens to a server while its data is being made.

use std::fs;

use crate::{
    machine::{eventually, shows_processes},
    process::kill,
    site::Site,
    user::User,
};

/// A user whose server is being initialized; none where that cannot be seen.
fn waiting_for_initdb() -> Option<(Site, User)> {
    let site = shows_processes().then(Site::new)?;
    let user = site.spawn();
    eventually("initdb runs", || !site.running("initdb").is_empty());
    Some((site, user))
}

#[test]
fn a_user_killed_during_initdb_delays_nobody() {
    let Some((site, first)) = waiting_for_initdb() else {
        return;
    };
    first.kill();
    let second = site.join();
    assert_eq!(site.supervisors().len(), 1);
    second.leave();
}

#[test]
fn a_supervisor_killed_during_initdb_is_replaced() {
    let Some((site, mut user)) = waiting_for_initdb() else {
        return;
    };
    kill(&[site.supervisor()]);
    user.expect_joined();
    user.leave();
}

#[test]
fn a_killed_initdb_is_reported_and_run_again_by_the_next_user() {
    let Some((site, first)) = waiting_for_initdb() else {
        return;
    };
    kill(&site.running("initdb"));
    first
        .end()
        .assert_failed_with("could not initialize a database cluster");
    site.assert_serves();
}

#[test]
fn a_directory_removed_during_the_start_is_made_again() {
    let Some((site, mut user)) = waiting_for_initdb() else {
        return;
    };
    // `initdb` may be making files in it.
    let _ = fs::remove_dir_all(site.home());
    user.expect_joined();
    user.leave();
}

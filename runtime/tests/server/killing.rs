//! Processes that are killed while a server runs.

use std::os::unix::process::CommandExt;

use rustix::process::{Signal, kill_process, kill_process_group};

use crate::{
    machine::{eventually, shows_processes},
    process::{is_alive, kill},
    site::Site,
    user::User,
};

#[test]
fn a_killed_supervisor_is_replaced_by_one_that_takes_the_server_over() {
    if !shows_processes() {
        return;
    }
    let site = Site::with_data().idle_after(0);
    let mut user = site.join();
    let (postmaster, supervisor) = (site.postmaster(), site.supervisor());
    kill(&[supervisor]);
    eventually("another supervisor", || {
        site.supervisors().iter().any(|pid| *pid != supervisor)
    });
    site.assert_serves();
    user.expect_served();
    assert_eq!(site.postmaster(), postmaster);
    user.leave();
    eventually("it stops the server", || site.processes().is_empty());
    assert!(!is_alive(postmaster));
}

#[test]
fn a_server_without_supervisor_and_launcher_is_taken_over_by_the_next_user() {
    if !shows_processes() {
        return;
    }
    let site = Site::with_data().idle_after(0);
    let user = site.join();
    let postmaster = site.postmaster();
    kill(&site.running("sh"));
    kill(&site.supervisors());
    user.leave();
    assert!(is_alive(postmaster));
    let second = site.join();
    assert_eq!(site.postmaster(), postmaster);
    second.leave();
    eventually("nothing is left", || site.processes().is_empty());
}

/// Also for those who come while it is still ending.
#[test]
fn a_killed_postmaster_is_replaced() {
    let site = Site::with_data();
    let user = site.join();
    let postmaster = site.postmaster();
    kill_process(postmaster, Signal::KILL).expect("it runs");
    let second = site.join();
    assert_ne!(site.postmaster(), postmaster);
    second.leave();
    user.kill();
}

/// The kernel goes on to accept connections for a postmaster that cannot.
#[test]
fn a_user_of_a_stuck_postmaster_is_served_when_it_has_been_killed() {
    let site = Site::with_data();
    site.assert_serves();
    let postmaster = site.postmaster();
    kill_process(postmaster, Signal::STOP).expect("it runs");
    let mut user = site.spawn();
    eventually("the user is there", || site.is_in_use());
    kill_process(postmaster, Signal::KILL).expect("it runs");
    user.expect_joined();
    user.leave();
}

#[test]
fn everything_killed_at_once_is_replaced() {
    if !shows_processes() {
        return;
    }
    let site = Site::with_data();
    site.join().kill();
    kill(&site.processes());
    site.join().leave();
}

#[test]
fn a_signal_to_the_group_of_the_user_does_not_reach_the_server() {
    let site = Site::with_data();
    let mut user = User::staying(site.command().process_group(0));
    user.expect_joined();
    let postmaster = site.postmaster();
    kill_process_group(user.id(), Signal::KILL).expect("it leads a group");
    user.kill();
    site.assert_serves();
    assert_eq!(site.postmaster(), postmaster);
}

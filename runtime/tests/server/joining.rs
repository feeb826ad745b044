//! Processes that come to a server, or to none yet.

use crate::{machine, site::Site, user::User};

#[test]
fn a_second_process_joins_the_server_of_the_first() {
    let site = Site::with_data();
    let first = site.join();
    let postmaster = site.postmaster();
    let second = site.join();
    assert_eq!(site.postmaster(), postmaster);
    first.leave();
    second.leave();
}

#[test]
fn many_cold_processes_share_one_start() {
    share_one_start(&Site::new(), 8);
}

#[test]
fn cold_processes_of_an_ordinary_user_share_one_start() {
    if let Some(site) = machine::is_root().then(Site::of_an_ordinary_user).flatten() {
        share_one_start(&site, 3);
    } else {
        machine::skip("the other tests run as an ordinary user already");
    }
}

fn share_one_start(site: &Site, count: usize) {
    let mut users: Vec<User> = (0..count).map(|_| site.spawn()).collect();
    for user in &mut users {
        user.expect_joined();
    }
    let log = site.log();
    let starts = log.matches("ready to accept connections").count();
    assert_eq!(starts, 1, "{log}");
    users.into_iter().for_each(User::leave);
}

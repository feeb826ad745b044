//! The end of a server that nobody uses.

use std::{thread, time::Duration};

use crate::{machine::eventually, process::is_alive, site::Site};

#[test]
fn an_idle_server_is_stopped_in_good_order_and_starts_again() {
    let site = Site::with_data().idle_after(0);
    site.join().leave();
    let postmaster = site.postmaster();
    eventually("it stops", || !is_alive(postmaster));
    let again = site.join();
    let log = site.log();
    assert!(log.contains("database system was shut down at"), "{log}");
    again.leave();
}

#[test]
fn a_server_is_kept_for_its_user_and_stopped_when_that_one_was_killed() {
    let site = Site::with_data().idle_after(0);
    let mut user = site.join();
    let postmaster = site.postmaster();
    // The supervisor looks around every 100 ms.
    thread::sleep(Duration::from_millis(500));
    user.expect_served();
    assert!(is_alive(postmaster));
    user.kill();
    eventually("it stops", || !is_alive(postmaster));
}

/// Without an idle time, each process meets a server that is being started, used or stopped.
#[test]
fn joining_and_stopping_never_meet() {
    let site = Site::with_data().idle_after(0);
    site.assert_serves();
    thread::scope(|scope| {
        for worker in 0..2 {
            let site = &site;
            scope.spawn(move || {
                for round in 0..6 {
                    site.assert_serves();
                    // From at once to well after the supervisor's next look, in an uneven order.
                    thread::sleep(Duration::from_millis((worker * 37 + round * 53) % 180));
                }
            });
        }
    });
}

//! The feature `download`: an archive from a server on the loopback interface, whose programs run
//! those of this machine.

mod release;

use std::{fs, process::Command, thread};

use self::release::{Answer, Release};
use crate::{
    machine::eventually,
    site::Site,
    user::{self, User, refusal},
};

/// A process of a site that uses nothing but the download.
fn command(site: &Site, url: &str) -> Command {
    let mut command = site.command();
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command
        .env("PG_BIN", "download")
        .env("DB_TEST_DOWNLOAD_URL", url);
    command
}

#[test]
fn a_download_is_announced_and_done_once() {
    let (site, release) = (Site::new(), Release::start(Answer::Archive));
    let first = user::run(&mut command(&site, &release.url()));
    first.assert_passed();
    first.assert_says(&format!(
        "downloading the PostgreSQL that DB_TEST_DOWNLOAD_URL names from {}",
        release.shown_url()
    ));
    let second = user::run(&mut command(&site, &release.url()));
    second.assert_passed();
    second.assert_does_not_say("downloading");
    assert_eq!(release.requests(), 1);
}

#[test]
fn many_processes_at_once_download_it_once() {
    let (site, release) = (Site::new(), Release::start(Answer::Archive));
    let url = release.url();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| user::run(&mut command(&site, &url)).assert_passed());
        }
    });
    assert_eq!(release.requests(), 1);
}

#[test]
fn a_process_that_is_killed_meanwhile_leaves_nothing_that_is_trusted() {
    let site = Site::new();
    let slow = Release::start(Answer::NeverEnding);
    let user = User::staying(&mut command(&site, &slow.url()));
    eventually("it has begun to download", || slow.requests() == 1);
    user.kill();
    let release = Release::start(Answer::Archive);
    user::run(&mut command(&site, &release.url())).assert_passed();
    assert_eq!(release.requests(), 1);
}

#[test]
fn another_file_is_refused_and_not_kept() {
    let (site, release) = (Site::new(), Release::start(Answer::Archive));
    let wrong = format!("{}#sha256={}", release.shown_url(), "0".repeat(64));
    let said = refusal(&mut command(&site, &wrong));
    assert!(said.contains("what came is another file"), "{said}");
    assert!(said.contains("nothing was kept"), "{said}");
    let programs = fs::read_dir(site.home().join("v1/programs")).expect("it has been made");
    let left: Vec<_> = programs.flatten().map(|entry| entry.path()).collect();
    assert!(left.iter().all(|path| path.is_file()), "{left:?}");
}

#[test]
fn each_failure_says_what_was_attempted_and_the_way_out() {
    let gone = Release::start(Answer::NotFound);
    let cut = Release::start(Answer::Half);
    let nobody = Release::start(Answer::NotFound).end();
    for (url, problem) in [
        (gone.url(), "the server answered 404"),
        (cut.url(), "the connection ended after"),
        (nobody, "Connection refused"),
    ] {
        let site = Site::new();
        let said = refusal(&mut command(&site, &url));
        for part in [
            problem,
            "could not download the PostgreSQL that DB_TEST_DOWNLOAD_URL names from http://127.0.0.1:",
            "set TEST_DB_URL to a running server",
        ] {
            assert!(said.contains(part), "`{part}` is missing:\n{said}");
        }
    }
}

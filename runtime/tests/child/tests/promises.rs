//! What the runner promises.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
    time::Duration,
};

use child::{Running, Streams};

/// The message of the panic that something ends in.
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(work)) else {
        panic!("it does not panic");
    };
    *panic.downcast().expect("it is a text")
}

fn shell(script: &str) -> Running {
    Running::spawn(Command::new("sh").args(["-c", script]), Streams::Both)
}

#[test]
fn a_child_that_does_not_end_fails_the_test_with_what_it_has_printed() {
    let child = shell("echo begun; exec sleep 600").within(Duration::from_millis(500));
    let message = panic_of(|| child.finish());
    assert!(message.contains("did not end within 500ms"), "{message}");
    assert!(message.contains("begun"), "{message}");
}

#[test]
fn a_child_that_ends_before_what_is_awaited_fails_the_test() {
    let message = panic_of(|| shell("echo begun").wait_for("done"));
    assert!(
        message.contains("ended before it printed `done`"),
        "{message}"
    );
}

#[test]
fn a_filter_that_matches_no_test_fails_the_test() {
    let message = panic_of(|| child::run("no_test_has_this_name", &[]));
    assert!(message.contains("the filter matches no test"), "{message}");
}

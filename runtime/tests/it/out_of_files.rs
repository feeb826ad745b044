//! A process that may open no more files.

use std::fs::File;

use child::in_child;
use db_test::{Session, db_test};
use rustix::process::{Resource, getrlimit, setrlimit};
use sqlx::PgPool;

/// In the child, leaves nothing to the test: it is called when all that comes before is open.
fn session() -> Session {
    if in_child() {
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = Some(64);
        setrlimit(Resource::Nofile, limit).expect("it may be lowered");
        while let Ok(file) = File::open("/dev/null") {
            std::mem::forget(file);
        }
    }
    Session::postgres()
}

#[db_test(session = session)]
async fn with_a_pool(_pool: PgPool) {}

#[db_test(session = session, flavor = "current_thread")]
async fn with_a_runtime() {}

#[test]
fn a_test_that_can_open_no_socket_fails_with_an_error() {
    let failed = child::run("out_of_files::with_a_pool", &[]);
    failed.assert_failed_with("no socket could be opened for the test's connections: ");
    failed.assert_does_not_say("panicked at");
}

#[test]
fn a_test_whose_runtime_cannot_be_built_fails_with_an_error() {
    let failed = child::run("out_of_files::with_a_runtime", &[]);
    failed.assert_failed_with("`tokio::runtime::Runtime` could not be made: ");
    failed.assert_does_not_say("panicked at");
}

//! How a test runs tests of this very binary again, as a child, and reads what they print.

#[path = "../child/environment.rs"]
mod environment;

use std::process::Command;

/// The variable that asks a child's tests to fail.
const ASK: &str = "DB_TEST_CHILD_FAILS";

/// What a child printed, and whether it succeeded.
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) output: String,
}

/// Runs tests of this binary, by a part of their names, in a child that is asked to fail.
pub(crate) fn run(filter: &str, environment: &[(&str, &str)]) -> Finished {
    let output = command(filter, environment)
        .output()
        .expect("the child can be started");
    let text = [output.stdout, output.stderr].concat();
    Finished {
        success: output.status.success(),
        output: String::from_utf8_lossy(&text).into_owned(),
    }
}

pub(crate) fn command(filter: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
    environment::leave_out(&mut command);
    command
        .arg(filter)
        .env(ASK, "1")
        .env("RUST_BACKTRACE", "0")
        .env("RUST_TEST_THREADS", "2");
    command.envs(environment.iter().copied());
    command
}

/// Whether this process is such a child.
pub(crate) fn asked_to_fail() -> bool {
    std::env::var_os(ASK).is_some()
}

//! What a child process of a test must not inherit: whatever asks the library for something.

use std::{env, process::Command};

/// Where the private server is, which a child shares with its parent.
const INHERITED: [&str; 2] = ["DB_TEST_HOME", "DB_TEST_IDLE_SECONDS"];

const OTHERS: [&str; 5] = [
    "TEST_DB_URL",
    "DATABASE_URL",
    "PGOPTIONS",
    "RUST_LOG",
    "COLUMNS",
];

/// Takes these variables from a command's environment; what it needs is set afterwards.
pub(crate) fn leave_out(command: &mut Command) {
    let of_ours = env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("DB_TEST_") && !INHERITED.contains(&&*name)
    });
    for name in of_ours.chain(OTHERS.map(Into::into)) {
        command.env_remove(name);
    }
}

//! What a child must not inherit: the variables that configure db-test and what it uses.

use std::{env, process::Command};

/// Where the private server is, which a child shares with its parent.
const INHERITED: [&str; 2] = ["DB_TEST_HOME", "DB_TEST_IDLE_SECONDS"];

const OTHERS: [&str; 6] = [
    // A child runs without nextest.
    "NEXTEST",
    "TEST_DB_URL",
    "DATABASE_URL",
    "PGOPTIONS",
    "RUST_LOG",
    "COLUMNS",
];

/// Removes those variables from a command's environment. What the command needs is set afterwards.
pub fn clear_environment(command: &mut Command) {
    let of_db_test = env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("DB_TEST_") && !INHERITED.contains(&&*name)
    });
    for name in of_db_test.chain(OTHERS.map(Into::into)) {
        command.env_remove(name);
    }
}

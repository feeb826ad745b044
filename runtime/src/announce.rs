//! What the user is told while tests run, whether they pass or not.

use std::io::Write;

/// Prints one line to the real standard error, past libtest's capture of the running test.
pub(crate) fn announce(text: impl std::fmt::Display) {
    writeln!(std::io::stderr().lock(), "db-test: {text}").ok();
}

//! What the user is told while tests run, whether they pass or not.

use std::io::Write;

use crate::observe::report::printable;

/// Prints one line to the real standard error, past libtest's capture of the running test.
pub(crate) fn announce(text: impl std::fmt::Display) {
    let text = text.to_string();
    writeln!(std::io::stderr().lock(), "db-test: {}", printable(&text)).ok();
}

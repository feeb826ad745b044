//! Diagnostic logging, and the notices that are printed in any case.
//!
//! Each step is an event of `tracing`, for the application's subscriber, and a line on standard
//! error if `DB_TEST_LOG` includes its level. We install no subscriber: a process can have only
//! one.

use std::{
    fmt,
    io::Write,
    sync::{LazyLock, OnceLock},
    time::Instant,
};

use crate::{environment::Choice, observe::printable::printable};

/// The target of our `tracing` events.
const TARGET: &str = "db_test";

/// How much is printed; each includes the ones before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Level {
    Off,
    Warn,
    Info,
    Debug,
    Trace,
}

static BEGAN: OnceLock<Instant> = OnceLock::new();

static PRINTED: LazyLock<Level> = LazyLock::new(|| LEVEL.read(notice));

/// Names the level from which on lines are printed.
const LEVEL: Choice<Level> = Choice {
    name: "DB_TEST_LOG",
    words: &[
        ("off", Level::Off),
        ("error", Level::Off),
        ("warn", Level::Warn),
        ("info", Level::Info),
        ("debug", Level::Debug),
        ("trace", Level::Trace),
    ],
    default: Level::Off,
    otherwise: "so nothing is logged",
};

/// Starts the clock of the printed times.
pub(crate) fn begin() {
    BEGAN.get_or_init(Instant::now);
}

/// A problem that was recovered from.
pub(crate) fn warn(text: fmt::Arguments<'_>) {
    tracing::warn!(target: TARGET, "{text}");
    print(Level::Warn, text);
}

/// A step that happens once in a session, or rarely.
pub(crate) fn info(text: fmt::Arguments<'_>) {
    tracing::info!(target: TARGET, "{text}");
    print(Level::Info, text);
}

/// A step that happens for each lane.
pub(crate) fn debug(text: fmt::Arguments<'_>) {
    tracing::debug!(target: TARGET, "{text}");
    print(Level::Debug, text);
}

/// A step that happens in each test. The text is made only if it is printed.
pub(crate) fn trace(text: impl FnOnce() -> String) {
    if tracing::enabled!(target: TARGET, tracing::Level::TRACE) || *PRINTED >= Level::Trace {
        let text = text();
        tracing::trace!(target: TARGET, "{text}");
        print(Level::Trace, format_args!("{text}"));
    }
}

/// Prints one line to the real standard error, past libtest's capture, whether the running test
/// passes or not.
pub(crate) fn notice(text: impl fmt::Display) {
    let text = text.to_string();
    writeln!(std::io::stderr().lock(), "db-test: {}", printable(&text)).ok();
}

fn print(level: Level, text: fmt::Arguments<'_>) {
    if level <= *PRINTED {
        let seconds = BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64();
        notice(format_args!("[{seconds:.3} s] {text}"));
    }
}

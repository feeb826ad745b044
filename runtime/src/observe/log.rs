//! What the library does, step by step, for whoever wonders.
//!
//! Each step is an event of `tracing`, for the subscriber that the application may have, and a line
//! on standard error where `DB_TEST_LOG` asks for it. A subscriber of our own would be in the way of
//! the application's: there can be one in a process.

use std::{
    env, fmt,
    sync::{LazyLock, OnceLock},
    time::Instant,
};

use crate::observe::announce::announce;

/// Asks for the lines, by the name of a level.
const VARIABLE: &str = "DB_TEST_LOG";

/// What our events are filtered by.
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

static ASKED: LazyLock<Level> = LazyLock::new(|| {
    let value = env::var_os(VARIABLE).unwrap_or_default();
    let value = value.to_string_lossy();
    Level::parse(&value).unwrap_or_else(|| {
        announce(format_args!(
            "{VARIABLE}=`{value}` is not a level, so nothing more is shown: use warn, info, debug or trace"
        ));
        Level::Off
    })
});

impl Level {
    fn parse(value: &str) -> Option<Self> {
        Some(match value.trim().to_ascii_lowercase().as_str() {
            "" | "off" | "error" => Self::Off,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return None,
        })
    }
}

/// Lets the times of the lines count from now.
pub(crate) fn begin() {
    BEGAN.get_or_init(Instant::now);
}

/// Something went wrong that is made good.
pub(crate) fn warn(text: fmt::Arguments<'_>) {
    tracing::warn!(target: TARGET, "{text}");
    print(Level::Warn, text);
}

/// A step that is taken once in a session, or seldom.
pub(crate) fn info(text: fmt::Arguments<'_>) {
    tracing::info!(target: TARGET, "{text}");
    print(Level::Info, text);
}

/// A step that is taken for each lane.
pub(crate) fn debug(text: fmt::Arguments<'_>) {
    tracing::debug!(target: TARGET, "{text}");
    print(Level::Debug, text);
}

/// A step that is taken in each test, which should not pay for the text.
pub(crate) fn trace(text: impl FnOnce() -> String) {
    if tracing::enabled!(target: TARGET, tracing::Level::TRACE) || *ASKED >= Level::Trace {
        let text = text();
        tracing::trace!(target: TARGET, "{text}");
        print(Level::Trace, format_args!("{text}"));
    }
}

fn print(level: Level, text: fmt::Arguments<'_>) {
    if level <= *ASKED {
        let seconds = BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64();
        announce(format_args!("[{seconds:.3} s] {text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn a_level_is_read_however_it_is_written() {
        for (value, level) in [
            ("", Some(Level::Off)),
            ("info", Some(Level::Info)),
            ("DEBUG", Some(Level::Debug)),
            (" trace ", Some(Level::Trace)),
            ("verbose", None),
        ] {
            assert_eq!(Level::parse(value), level, "{value}");
        }
    }
}

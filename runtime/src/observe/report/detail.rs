//! How detailed a report is: `DB_TEST_REPORT`, and the width of its lines.

use std::{env, sync::LazyLock};

use crate::{environment::Choice, observe::log};

/// How much of a test's trace is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Detail {
    /// The last requests; long lists and lines are cut.
    Short,
    Full,
}

/// The value of `DB_TEST_REPORT`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// `off`: no trace.
    Nothing,
    /// `short`, the default, and `full`: the trace of a test that fails.
    OfFailures(Detail),
    /// `always`: the full trace of each test, also of one that passes.
    OfAll,
}

const CHOICE: Choice<Wanted> = Choice {
    name: "DB_TEST_REPORT",
    words: &[
        ("short", Wanted::OfFailures(Detail::Short)),
        ("full", Wanted::OfFailures(Detail::Full)),
        ("always", Wanted::OfAll),
        ("off", Wanted::Nothing),
    ],
    default: Wanted::OfFailures(Detail::Short),
    otherwise: "using `short`",
};

impl Wanted {
    /// Reads the variable once; reports an unknown value.
    pub(crate) fn by_environment() -> Self {
        static WANTED: LazyLock<Wanted> = LazyLock::new(|| CHOICE.read(log::notice));
        *WANTED
    }

    pub(crate) fn detail(self) -> Option<Detail> {
        match self {
            Self::Nothing => None,
            Self::OfFailures(detail) => Some(detail),
            Self::OfAll => Some(Detail::Full),
        }
    }
}

/// The width that a short report's lines are cut to, in characters: `COLUMNS`, else the terminal's,
/// else 121.
pub(crate) fn width() -> usize {
    /// What the labels of the sections take.
    const LABELS: usize = 11;
    let stated = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let width = stated.or_else(of_terminal).unwrap_or(121);
    width.clamp(60, 400) - LABELS
}

#[cfg(unix)]
fn of_terminal() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

#[cfg(not(unix))]
fn of_terminal() -> Option<usize> {
    None
}

//! How much a report tells.

use std::{env, sync::Once};

use crate::observe::announce::announce;

/// How much of a test's story is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Detail {
    /// The last requests, and the beginning of what is long.
    Short,
    Full,
}

/// What `DB_TEST_REPORT` asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// `off`: no story.
    Nothing,
    /// By default, and by `short`.
    OfFailures(Detail),
    /// `always`: the whole story of each test, also of one that passes.
    OfAll,
}

impl Wanted {
    /// Reads the variable; what it does not know counts as the default, and is told once.
    pub(crate) fn by_environment() -> Self {
        static TOLD: Once = Once::new();
        let asked = env::var("DB_TEST_REPORT").unwrap_or_default();
        match asked.as_str() {
            "off" => Self::Nothing,
            "full" => Self::OfFailures(Detail::Full),
            "always" => Self::OfAll,
            "" | "short" => Self::OfFailures(Detail::Short),
            other => {
                TOLD.call_once(|| {
                    announce(format_args!(
                        "DB_TEST_REPORT: unknown value `{other}`, using `short` (expected short, full, always or off)"
                    ));
                });
                Self::OfFailures(Detail::Short)
            }
        }
    }

    pub(crate) fn detail(self) -> Option<Detail> {
        match self {
            Self::Nothing => None,
            Self::OfFailures(detail) => Some(detail),
            Self::OfAll => Some(Detail::Full),
        }
    }
}

/// The width that lines are cut to in a short report, in characters: what `COLUMNS` says, else that
/// of the terminal, else 121.
pub(crate) fn width() -> usize {
    /// The labels of the sections take so much.
    const LABELS: usize = 11;
    let told = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let width = told.or_else(of_terminal).unwrap_or(121);
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

//! The variable `DB_TEST_KEEP`.

use std::{
    env,
    fmt::Display,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::observe::log;

const VARIABLE: &str = "DB_TEST_KEEP";

/// The value of the variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Request {
    Nothing,
    /// Keep the databases of failed tests.
    Failed,
    /// Keep the databases of all tests.
    All,
    /// Print what is kept, then run tests as usual.
    List,
    /// Drop what is kept, then run tests as usual.
    Drop,
}

impl Request {
    fn parse(value: &str) -> Option<Self> {
        Some(match value.trim() {
            "" => Self::Nothing,
            "failed" => Self::Failed,
            "all" => Self::All,
            "list" => Self::List,
            "drop" => Self::Drop,
            _ => return None,
        })
    }
}

/// Reads the variable once; reports an unknown value.
pub(super) fn request() -> Request {
    static REQUEST: LazyLock<Request> = LazyLock::new(|| {
        let value = env::var_os(VARIABLE).unwrap_or_default();
        let value = value.to_string_lossy();
        Request::parse(&value).unwrap_or_else(|| {
            log::notice(format_args!(
                "{VARIABLE}=`{value}` is unknown, so nothing is kept: use failed, all, list or drop"
            ));
            Request::Nothing
        })
    });
    *REQUEST
}

/// What the variable says to do with what is kept already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upkeep {
    List,
    Drop,
}

/// What to do with what is kept in a place: once in a process, which `done` remembers.
pub(crate) fn upkeep(done: &AtomicBool) -> Option<Upkeep> {
    let upkeep = match request() {
        Request::List => Upkeep::List,
        Request::Drop => Upkeep::Drop,
        _ => return None,
    };
    (!done.swap(true, Ordering::Relaxed)).then_some(upkeep)
}

/// What is said if that failed.
pub(crate) fn failed(problem: impl Display) -> String {
    format!("{VARIABLE}: {problem}")
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn only_the_documented_values_are_known() {
        for (value, request) in [
            ("", Some(Request::Nothing)),
            ("failed", Some(Request::Failed)),
            ("all", Some(Request::All)),
            ("list", Some(Request::List)),
            (" drop ", Some(Request::Drop)),
            ("1", None),
        ] {
            assert_eq!(Request::parse(value), request, "{value}");
        }
    }
}

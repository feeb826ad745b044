//! The variable `DB_TEST_KEEP`.

use std::{
    fmt::Display,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{environment::Choice, observe::log};

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

const CHOICE: Choice<Request> = Choice {
    name: VARIABLE,
    words: &[
        ("failed", Request::Failed),
        ("all", Request::All),
        ("list", Request::List),
        ("drop", Request::Drop),
    ],
    default: Request::Nothing,
    otherwise: "so nothing is kept",
};

/// Reads the variable once; reports an unknown value.
pub(super) fn request() -> Request {
    static REQUEST: LazyLock<Request> = LazyLock::new(|| CHOICE.read(log::notice));
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

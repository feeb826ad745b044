//! One fault: its trigger, its effect, and how often it happens.

use std::{fmt, panic::Location, time::Duration};

use crate::postgres::proxy::Injection;

/// One fault that was set.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) trigger: Trigger,
    pub(super) effect: Effect,
    pub(super) times: usize,
    pub(super) hits: usize,
    /// The line that set it.
    pub(super) place: &'static Location<'static>,
}

/// What a fault hits.
#[derive(Debug)]
pub(super) enum Trigger {
    Statement(String),
    Commit,
}

/// What happens in the place of the statement, in this order.
#[derive(PartialEq, Default, Debug)]
pub(super) struct Effect {
    pub(super) delay: Option<Duration>,
    /// The SQLSTATE of an error.
    pub(super) error: Option<String>,
    pub(super) disconnects: bool,
}

impl Effect {
    pub(super) fn injection(&self) -> Injection {
        let error = self.error.as_ref();
        Injection {
            delay: self.delay,
            error: error.map(|code| (code.clone(), Self::message(code))),
            disconnects: self.disconnects,
        }
    }

    fn message(code: &str) -> String {
        let known = match code {
            "40001" => "could not serialize access due to concurrent update",
            "40P01" => "deadlock detected",
            "23505" => "duplicate key value violates unique constraint",
            "53300" => "sorry, too many clients already",
            "55P03" => "could not obtain lock on row",
            "57014" => "canceling statement due to statement timeout",
            _ => return format!("error {code} (injected by the test)"),
        };
        format!("{known} (injected by the test)")
    }
}

impl Rule {
    pub(super) fn new(trigger: Trigger, place: &'static Location<'static>) -> Self {
        Self {
            trigger,
            effect: Effect::default(),
            times: 1,
            hits: 0,
            place,
        }
    }

    pub(super) fn is_due(&self) -> bool {
        self.hits < self.times && self.effect != Effect::default()
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(pattern) => write!(f, "the fault on `{pattern}`"),
            Self::Commit => f.write_str("the fault on a commit"),
        }
    }
}

//! Recognizes an application that does not use the test's database: it may have a pool of its own,
//! whose writes stay.

pub(crate) mod elsewhere;

use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

use http::Method;

use crate::observe::{
    log,
    recording::{Exchange, Log},
};

const HELP: &str = "if it has a pool of its own, what it writes is in another database and stays there; give it the \
                    test's: `.app(|cx| app(cx.pool()))`";

/// Whether the application uses the test's database, as far as is known.
#[derive(Default)]
pub(crate) struct Bypass {
    state: Mutex<State>,
    /// What was found in another database of the server.
    elsewhere: OnceLock<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    NotBuilt,
    Building {
        took_database: bool,
    },
    Built {
        took_database: bool,
    },
}

impl Bypass {
    /// The pool, the URL or the options of the test's database were handed out.
    pub(crate) fn database_taken(&self) {
        let mut state = self.state();
        if matches!(*state, State::Building { .. }) {
            *state = State::Building {
                took_database: true,
            };
        }
    }

    pub(crate) fn app_build_begins(&self) {
        *self.state() = State::Building {
            took_database: false,
        };
    }

    pub(crate) fn app_is_built(&self) {
        let mut state = self.state();
        if let State::Building { took_database } = *state {
            *state = State::Built { took_database };
        }
    }

    /// The report's remark about a test whose application was built without the test's database and
    /// never used it, or was found to use another one.
    ///
    /// The first in a process is printed even if the test passes. Without a schema there is nothing
    /// to use.
    pub(crate) fn remark(
        &self,
        test: &'static str,
        has_schema: bool,
        log: &Log,
    ) -> Option<(&'static str, String)> {
        static REPORTED: Once = Once::new();
        let took_nothing = *self.state()
            == State::Built {
                took_database: false,
            };
        note_for_the_exit(test, log, has_schema && !took_nothing);
        if let Some(found) = self.elsewhere.get() {
            return Some(("app", format!("{found};\n{HELP}")));
        }
        let mut exchanges = log.exchanges.iter();
        let is_answered = exchanges.any(|exchange| exchange.status.is_some());
        let is_silent = log.queries_of_exchanges.iter().all(|queries| *queries == 0);
        if !(took_nothing && has_schema && is_answered && is_silent) {
            return None;
        }
        let problem =
            "the application was built without cx.pool(), and answered without the test's database";
        REPORTED.call_once(|| log::notice(format_args!("{test}: {problem}; {HELP}")));
        Some(("app", format!("{problem};\n{HELP}")))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all tests of this process have done.
enum Process {
    Nothing,
    /// The first test whose application answered a writing request with success, without a query.
    WroteWithoutQuery(&'static str),
    /// At least one test has used its database, or could not.
    UsedDatabase,
}

static PROCESS: Mutex<Process> = Mutex::new(Process::Nothing);

fn note_for_the_exit(test: &'static str, log: &Log, could_use_database: bool) {
    let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    match *process {
        _ if log.queries > 0 || !could_use_database => *process = Process::UsedDatabase,
        Process::Nothing if wrote(log) => *process = Process::WroteWithoutQuery(test),
        _ => {}
    }
}

fn wrote(log: &Log) -> bool {
    log.exchanges.iter().any(claims_to_write)
}

/// Whether a request that writes was answered with success.
fn claims_to_write(exchange: &Exchange) -> bool {
    let writes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let succeeded = exchange.status.is_some_and(|status| status.is_success());
    succeeded && writes.contains(&exchange.method)
}

/// Warns at the end of the process if applications that had the test's pool answered writing
/// requests, and no test's database was ever used.
pub(crate) fn warn_at_exit() {
    let process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Process::WroteWithoutQuery(test) = *process {
        log::notice(format_args!(
            "{test}: the application answered requests that write, and no test of this run used its database; {HELP}"
        ));
    }
}

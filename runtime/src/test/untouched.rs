//! Applications that answer requests without a word to the test's database: they may have a pool of their own.

use std::sync::{
    Mutex, Once, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use http::Method;

use crate::{
    TestContext,
    observe::{log, recording::Log},
};

/// Whether a test of this process has asked anything of its database.
static WAS_ASKED: AtomicBool = AtomicBool::new(false);

/// The first test that sent a request that writes, and got it answered with success.
static WROTE: Mutex<Option<&'static str>> = Mutex::new(None);

const CURE: &str = "if it has a pool of its own, what it writes is in another database and stays there; give it the \
                    test's: `.app(|cx| app(cx.pool()))`";

/// What the report says of a test whose application was built without the test's database and did not use it.
/// The first in a process is told even if it passes.
pub(crate) fn remark(cx: &TestContext) -> Option<(&'static str, String)> {
    static TOLD: Once = Once::new();
    let log = cx.recording().log();
    note_for_the_exit(cx, &log);
    let is_silent = log.queries_of_exchanges.iter().all(|queries| *queries == 0);
    let is_suspicious = cx.app_has_no_pool() && cx.has_schema() && answered(&log) && is_silent;
    if !is_suspicious {
        return None;
    }
    let problem =
        "the application was built without cx.pool(), and answered without the test's database";
    TOLD.call_once(|| log::notice(format_args!("{}: {problem}; {CURE}", cx.name())));
    Some(("app", format!("{problem};\n{CURE}")))
}

fn answered(log: &Log) -> bool {
    log.exchanges
        .iter()
        .any(|exchange| exchange.status.is_some())
}

fn note_for_the_exit(cx: &TestContext, log: &Log) {
    if log.queries > 0 || cx.app_has_no_pool() || !cx.has_schema() {
        WAS_ASKED.store(true, Ordering::Relaxed);
        return;
    }
    let writes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let wrote = log.exchanges.iter().any(|exchange| {
        let succeeded = exchange.status.is_some_and(|status| status.is_success());
        succeeded && writes.contains(&exchange.method)
    });
    if wrote {
        let mut first = WROTE.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(cx.name());
    }
}

/// Tells at the end of the process if all of its tests' applications had the test's pool, some wrote, and nothing
/// ever came to a test's database.
pub(crate) fn announce_at_exit() {
    let wrote = *WROTE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(test) = wrote
        && !WAS_ASKED.load(Ordering::Relaxed)
    {
        log::notice(format_args!(
            "{test}: the application answered requests that write, and no test of this run asked anything of its \
             database; {CURE}"
        ));
    }
}

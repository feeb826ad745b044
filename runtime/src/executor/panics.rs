//! Panics of the user's functions, caught as errors.

use std::{
    any::Any,
    error::Error,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use futures_util::FutureExt;

use super::short_backtrace::__rust_begin_short_backtrace;

/// The messages of what tests have asked of the harness and it cannot do.
static MISUSES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Remembers why the harness cannot do what a test asks: a panic with this message, of whomever, is
/// not about what the test is for.
pub(crate) fn note_misuse(message: String) {
    let mut misuses = MISUSES.lock().unwrap_or_else(PoisonError::into_inner);
    if !misuses.contains(&message) {
        misuses.push(message);
    }
}

/// Panics because the harness cannot do what a test asks.
#[track_caller]
pub(crate) fn misused(message: &str) -> ! {
    note_misuse(message.to_owned());
    panic!("{message}")
}

/// Whether a panic is about how the harness is used. One with an error as its cause shows it as
/// `Debug` does.
pub(crate) fn is_misuse(panic: &(dyn Any + Send)) -> bool {
    let text = text_of(panic);
    let misuses = MISUSES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut misuses = misuses.iter();
    misuses.any(|misuse| {
        let quoted = format!("{misuse:?}");
        text.contains(misuse) || text.contains(quoted.trim_matches('"'))
    })
}

/// A caught panic; the panic hook has printed its message.
#[derive(Debug, thiserror::Error)]
#[error("it panicked: {0}")]
pub(crate) struct Panicked(pub(crate) String);

/// Runs a future, and catches its panic. The box keeps the layout of the caller small.
pub(crate) async fn caught<F: Future>(
    future: Pin<Box<F>>,
) -> Result<F::Output, Box<dyn Error + Send + Sync>> {
    let ended = AssertUnwindSafe(future).catch_unwind().await;
    ended.map_err(|panic| Panicked(text_of(panic.as_ref()).to_owned()).into())
}

/// Calls a function, and catches its panic.
pub(crate) fn calling<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(|| __rust_begin_short_backtrace(call)))
        .map_err(|panic| Panicked(text_of(panic.as_ref()).to_owned()))
}

/// The message of a panic.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("(its payload is not a string)")
}

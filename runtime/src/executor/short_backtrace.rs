//! Backtraces that end where the user's code begins.
//!
//! In a short backtrace, the standard library omits the callers of any function named
//! `__rust_begin_short_backtrace`.

use std::{
    future::{Future, poll_fn},
    hint::black_box,
    pin::pin,
};

/// Awaits a future of the user's.
pub(crate) async fn shortened<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| __rust_begin_short_backtrace(|| future.as_mut().poll(cx))).await
}

/// Calls a function of the user's.
#[inline(never)]
pub(crate) fn __rust_begin_short_backtrace<T>(call: impl FnOnce() -> T) -> T {
    let returned = call();
    // Prevents a tail call, which would take this frame off the stack.
    black_box(());
    returned
}

//! What runs before `main` and at the end of the process. It knows the rest, and the rest does not know it.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::time::timeout;

use crate::{
    executor,
    observe::log,
    postgres, session,
    test::{bypass, running},
};

/// How long the end of the process waits for work in the background.
const BACKGROUND_LIMIT: Duration = Duration::from_secs(1);

/// How long it waits for connections to be closed in good order.
const CLOSING_LIMIT: Duration = Duration::from_secs(1);

#[ctor::ctor(unsafe)]
fn before_main() {
    log::begin();
    // This process may be a copy of a test binary that was started to look after the private
    // server; then the following call does not return.
    #[cfg(unix)]
    postgres::server::local::supervise_if_asked();
    running::watch_tasks();
    executor::start();
}

#[dtor::dtor(unsafe)]
fn at_exit() {
    #[cfg(unix)]
    postgres::remove_directory();
    #[cfg(feature = "sqlite")]
    crate::sqlite::remove_own_files();
    if !session::any_active() || executor::is_abandoned() {
        return;
    }
    bypass::warn_at_exit();
    // The thread-local state that tokio needs is gone on the exiting thread; a fresh one has it.
    let done = Arc::new((Mutex::new(false), Condvar::new()));
    let closer = Arc::clone(&done);
    thread::spawn(move || {
        executor::block_on(async {
            // What is not done by then is done by a later run.
            timeout(BACKGROUND_LIMIT, executor::background_ends())
                .await
                .ok();
            timeout(CLOSING_LIMIT, session::close_all()).await.ok();
        });
        *closer.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        closer.1.notify_one();
    });
    // The limits above are timers of a runtime that leaked tasks may have taken over.
    let is_done = done.0.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = BACKGROUND_LIMIT + CLOSING_LIMIT + CLOSING_LIMIT;
    drop(
        done.1
            .wait_timeout_while(is_done, limit, |is_done| !*is_done),
    );
}

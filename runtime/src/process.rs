//! The code that runs before `main` and at the exit of the process. It imports from the rest;
//! nothing imports from it.

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

/// How long the exit waits for background tasks.
const BACKGROUND_LIMIT: Duration = Duration::from_secs(1);

/// How long the exit waits for connections to close.
const CLOSING_LIMIT: Duration = Duration::from_secs(1);

#[ctor::ctor(unsafe)]
fn before_main() {
    log::begin();
    // In a copy of the test binary that was started as the supervisor of the private server, this
    // call does not return.
    #[cfg(unix)]
    postgres::server::local::supervise_if_requested();
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
    // The exiting thread has lost the thread-local state that tokio needs; a new thread has it.
    let done = Arc::new((Mutex::new(false), Condvar::new()));
    let closer = Arc::clone(&done);
    thread::spawn(move || {
        executor::block_on(async {
            // A later run does what is not done by then.
            timeout(BACKGROUND_LIMIT, executor::background_ends())
                .await
                .ok();
            timeout(CLOSING_LIMIT, session::close_all()).await.ok();
        });
        *closer.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        closer.1.notify_one();
    });
    // The limits above are timers of the runtime, all of whose threads leaked tasks may occupy.
    let is_done = done.0.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = BACKGROUND_LIMIT + CLOSING_LIMIT + CLOSING_LIMIT;
    drop(
        done.1
            .wait_timeout_while(is_done, limit, |is_done| !*is_done),
    );
}

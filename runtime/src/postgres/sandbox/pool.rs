//! The pool of a test: an ordinary one.

use std::sync::{Arc, LazyLock};

use futures_util::FutureExt;
use sqlx::{
    AssertSqlSafe, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    Isolation, executor,
    observe::recording::Recording,
    postgres::{Place, lane::LaneId},
    session::Startable,
};

/// The options of a test's connections, by the real names of the role and the database as far as they
/// are known.
pub(super) fn options(
    place: &Place,
    lane: Option<&LaneId>,
    session: Startable,
) -> PgConnectOptions {
    // Making them looks for a server's socket in the file system.
    static PLAIN: LazyLock<PgConnectOptions> = LazyLock::new(PgConnectOptions::new_without_pgpass);
    let options = place.lead(PLAIN.clone());
    let Some((lane, active)) = lane.zip(session.started()) else {
        return options;
    };
    let server = active.lanes().server();
    let named = match &lane.own {
        Some(database) => server.test_options(database),
        None => server.shared_options(),
    };
    let options = options.username(named.get_username());
    match named.get_database() {
        Some(database) => options.database(database),
        None => options,
    }
}

/// Makes the pool. It connects when it is first used.
pub(super) fn make(
    to: &PgConnectOptions,
    session: Startable,
    recording: &Arc<Recording>,
) -> PgPool {
    let _runtime = executor::enter();
    attributed(
        session
            .definition()
            .session
            .pool_options(Isolation::Transaction),
        recording,
    )
    // A connection within the process does not get lost unseen.
    .test_before_acquire(false)
    // Either of them costs each pool a task, and no test is as long as the defaults.
    .idle_timeout(None)
    .max_lifetime(None)
    .connect_lazy_with(to.clone())
}

/// Has a pool tell whose each of its connections is.
pub(crate) fn attributed(options: PgPoolOptions, recording: &Arc<Recording>) -> PgPoolOptions {
    let (connecting, acquiring, releasing) = (
        Arc::clone(recording),
        Arc::clone(recording),
        Arc::clone(recording),
    );
    options
        .after_connect(move |connection, _| {
            attribute(&connecting, connection);
            Box::pin(async { Ok(()) })
        })
        .before_acquire(move |connection, _| {
            attribute(&acquiring, connection);
            let is_over = acquiring.is_finished();
            Box::pin(async move { Ok(!is_over) })
        })
        .after_release(move |_, _| {
            releasing.released();
            let is_over = releasing.is_finished();
            Box::pin(async move { Ok(!is_over) })
        })
}

/// Leaves the pool of an ended test to whoever still has a handle, without connections.
///
/// It is not closed: a closed pool refuses at once and without ever yielding, so a task that tries again after each error
/// would starve the runtime. Whoever asks it for a connection has to wait until it is refused.
pub(crate) fn leave(pool: &PgPool) {
    while let Some(idle) = pool.try_acquire() {
        drop(idle.detach());
    }
}

fn attribute(recording: &Recording, connection: &mut PgConnection) {
    if let Some(mark) = recording.acquired() {
        // It is sent, and nobody waits for the answer: sqlx reads it before it asks for something else.
        let mark = sqlx::raw_sql(AssertSqlSafe(mark));
        connection.execute(mark).now_or_never();
    }
}

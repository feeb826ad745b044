//! The pool of a test: an ordinary one.

use std::sync::Arc;

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    executor,
    observe::recording::{Recording, attributed},
    postgres::{Endpoint, Startable, lane::LaneId, listener::unnamed, pool_mark},
};

/// The options of a test's connections, by the real names of the role and the database as far as
/// they are known.
pub(super) fn options(
    endpoint: &Endpoint,
    lane: Option<&LaneId>,
    session: Startable,
) -> PgConnectOptions {
    let options = endpoint.lead(unnamed().clone());
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
    options: PgPoolOptions,
    recording: &Arc<Recording>,
) -> PgPool {
    let _runtime = executor::enter();
    attributed(options, recording, "")
        // A connection within the process does not get lost unseen.
        .test_before_acquire(false)
        // Either of them costs each pool a task, and no test is as long as the defaults.
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(pool_mark::marked(to.clone()))
}

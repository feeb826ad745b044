//! What the engine has to know of the connection to the server.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, LazyLock, atomic::AtomicBool},
};

use super::WAIT;
use crate::postgres::{
    listener::unnamed,
    proxy::{BASE, api::Setup},
    upstream::{BackendConnection, Upstream},
};

pub(super) fn setup(
    connection: &BackendConnection,
    upstream: &Upstream,
    release_locks: String,
) -> Setup {
    /// Whether a test of this process has used a second connection within its own transaction.
    static NESTS: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let names = |real: &str, plain: &str| vec![real.to_owned(), plain.to_owned()];
    let plain = unnamed();
    Setup {
        parameters: connection.parameters.clone(),
        base: BASE.map(owned).to_vec(),
        roles: names(upstream.user(), plain.get_username()),
        databases: names(
            upstream.database(),
            plain.get_database().unwrap_or(plain.get_username()),
        ),
        notify_hook: connection.replaces_notify,
        moves_clock: connection.moves_clock,
        release_locks,
        wait: WAIT,
        nests: Arc::clone(&NESTS),
        secret: RandomState::new().hash_one(0),
    }
}

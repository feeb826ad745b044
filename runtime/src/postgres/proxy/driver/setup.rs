//! What the engine has to know of the connection to the server.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, LazyLock},
};

use super::WAIT;
use crate::postgres::{
    listener::unnamed,
    proxy::{BASE, api::Setup, nested_uses::NestedUses},
    upstream::{BackendConnection, Upstream},
};

pub(super) fn setup(
    connection: &BackendConnection,
    upstream: &Upstream,
    release_locks: String,
) -> Setup {
    static NESTED_USES: LazyLock<Arc<NestedUses>> = LazyLock::new(Arc::default);
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
        nested_uses: Arc::clone(&NESTED_USES),
        secret: RandomState::new().hash_one(0),
    }
}

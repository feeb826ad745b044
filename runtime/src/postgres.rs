//! PostgreSQL: the connections to it, and the proxy that tests talk to in its place.

pub(crate) mod proxy;
pub(crate) mod upstream;

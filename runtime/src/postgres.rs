//! PostgreSQL: the proxy that tests talk to in its place.
#![allow(dead_code, reason = "not wired yet")]

pub(crate) mod proxy;
pub(crate) mod sqlstate;

//! The proxy between a test's connections and its lane's one backend.
#![allow(dead_code, unused_imports, reason = "not wired yet")]

pub(crate) mod api;
pub(crate) mod engine;
mod protocol;

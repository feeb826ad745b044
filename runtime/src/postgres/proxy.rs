//! The proxy between a test's connections and its lane's one backend.
#![allow(dead_code, reason = "not wired yet")]

pub(crate) mod api;
mod client;
mod clients;
mod control;
pub(crate) mod engine;
mod entanglement;
mod expected;
mod lexer;
mod protocol;
mod savepoints;
mod settings;
mod statements;

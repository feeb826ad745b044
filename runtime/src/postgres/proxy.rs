//! The proxy between a test's connections and its lane's one backend.

mod advisory;
mod api;
mod client;
mod clients;
mod clock;
mod command;
mod control;
mod driver;
mod engine;
mod entanglement;
mod expected;
mod handle;
mod lexer;
mod moving_clock;
mod protocol;
mod savepoints;
mod settings;
mod statements;
mod watch;

pub(crate) use self::{
    api::{End, Faults, How, Injection, MarkRefused, Proof},
    command::{Ended, Marking, Test},
    driver::ACCEPT_PAUSE,
    handle::Proxy,
    watch::Watch,
};

/// The settings of a lane's connection that drivers set for each of theirs.
pub(crate) const BASE: [(&str, &str); 4] = [
    ("DateStyle", "ISO, MDY"),
    ("client_encoding", "UTF8"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "2"),
];

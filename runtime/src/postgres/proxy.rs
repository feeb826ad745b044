//! The proxy between a test's connections and its lane's one backend.
//!
//! To the application it is a PostgreSQL server. Behind it is one connection in one outer
//! transaction, in which each client's transactions are savepoints. The engine is a state machine
//! without I/O; the driver gives it sockets and a clock.
//!
//! How bytes flow, in one round of the driver:
//!
//! 1. `poll` says which sockets are ready (`driver/readiness.rs`).
//! 2. Bytes of the backend and of the clients go into the engine's inboxes, which cut them into
//!    messages.
//! 3. `pump` matches the backend's answers with what is expected, then takes each client's unit (a
//!    simple query, or the messages until a Sync) as far as it goes. A unit that needs the backend
//!    waits for its turn; savepoints and settings are sent in front of its messages, in the same
//!    write.
//! 4. The driver writes what the engine has for the backend and the clients, and passes its events
//!    to the harness.
//!
//! To read in this order: `api` (what goes in and out), `handle` and `command` (the harness's end),
//! `driver`, `engine`, `client` (a virtual connection), `engine/turns` (which client has the
//! backend), `engine/simple` and `engine/extended` (the two protocols), `engine/enter` and
//! `engine/finish` (the beginning and the end of a unit), `savepoints` (the stack),
//! `engine/transaction` (control statements), `engine/answers` and `expected` (what the backend
//! sends), `control` (what the text of a statement says), `statements` and `settings` (what belongs
//! to a connection), `entanglement` and `advisory` (clients that meet), `engine/ending` (the proof
//! that nothing escaped).

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
mod moving_clock;
mod nested_uses;
mod protocol;
mod savepoints;
mod settings;
mod startup;
mod statements;
mod watch;

pub(crate) use self::{
    api::{End, Faults, How, Injection, MarkRefused, Proof},
    command::{Ended, Marking, Test},
    driver::ACCEPT_PAUSE,
    handle::Proxy,
    protocol::{ErrorFields, error, error_field, message, query},
    watch::Watch,
};

/// The settings of a lane's connection that drivers set for each of theirs.
pub(crate) const BASE: [(&str, &str); 4] = [
    ("DateStyle", "ISO, MDY"),
    ("client_encoding", "UTF8"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "2"),
];

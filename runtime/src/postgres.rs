//! PostgreSQL: the connections to it, and what stands between it and a test's connections.

mod active;
pub(crate) mod cause;
pub(crate) mod database;
mod ended_tests;
mod error_response;
mod gate;
pub(crate) mod keep;
pub(crate) mod lane;
mod listener;
mod outbox;
pub(crate) mod own_database;
mod pool_mark;
#[cfg(unix)]
pub(crate) mod private_directory;
pub(crate) mod proxy;
mod reception;
pub(crate) mod relay;
mod request_code;
pub(crate) mod sandbox;
pub(crate) mod script_line;
pub(crate) mod server;
mod socket;
pub(crate) mod sqlstate;
pub(crate) mod template;
pub(crate) mod upstream;
mod waker;

pub(crate) use self::{
    active::{Active, Start, Startable, Started},
    ended_tests::used_afterwards,
    error_response::error_response,
    listener::{Endpoint, Listener, remove_directory},
};

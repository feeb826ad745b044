//! PostgreSQL: the connections to it, and what stands between it and a test's connections.

mod ended_tests;
mod error_response;
mod gate;
mod listener;
pub(crate) mod proxy;
pub(crate) mod relay;
mod socket;
pub(crate) mod sqlstate;
pub(crate) mod upstream;
mod waker;

pub(crate) use self::{
    ended_tests::used_afterwards,
    error_response::error_response,
    listener::{Listener, Place, remove_directory},
};

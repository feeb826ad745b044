//! The engine without a socket, with a scripted backend, and against a server.

mod advisory;
mod against_server;
mod constraints;
mod copying;
mod driver;
mod ends;
mod faults;
mod meeting;
mod names;
mod random_bytes;
mod random_programs;
mod scripted;
mod server;
mod stage;

//! The private server under everything that happens to processes and directories.
//!
//! Each test has a [`site`]: a directory with a server of its own, and processes that use it. Such
//! a process is this very binary, run again for the one small test in [`client`]. What a machine
//! cannot do is skipped, with a message on standard error, see [`machine`].
#![cfg(unix)]

mod client;
mod damage;
#[cfg(feature = "download")]
mod download;
mod file_system;
mod initializing;
mod joining;
mod killing;
mod machine;
mod manners;
#[path = "../it/place/prepared.rs"]
mod prepared;
mod process;
mod programs;
mod site;
mod stopping;
mod trust;
mod user;

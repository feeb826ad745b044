//! One test, from its arguments to its end: [`run`] is its life from top to bottom.

#[cfg(feature = "axum")]
pub(crate) mod app;
pub(crate) mod arguments;
pub(crate) mod bypass;
mod cause;
#[cfg(feature = "axum")]
pub(crate) mod client;
pub(crate) mod context;
pub(crate) mod description;
pub(crate) mod faults;
pub(crate) mod fixtures;
pub(crate) mod from_test;
pub(crate) mod further;
pub(crate) mod opening;
pub(crate) mod outcome;
mod own_runtime;
pub(crate) mod postgres_database;
mod report;
pub(crate) mod run;
pub(crate) mod running;
mod summary;
pub(crate) mod teardown;
mod watchdog;

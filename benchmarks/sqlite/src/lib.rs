//! What all variants on SQLite have in common.

pub mod app;
pub mod schema;
pub mod session;

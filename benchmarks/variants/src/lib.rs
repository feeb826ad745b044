//! What all variants have in common: one application, one body, one schema.

pub mod app;
pub mod body;
pub mod database;
pub mod repeat;
pub mod schema;
pub mod session;

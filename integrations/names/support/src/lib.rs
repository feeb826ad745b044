//! A crate of a workspace that its other crates take their test tools from.

pub use db_test;

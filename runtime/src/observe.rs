//! What is known of a test and of the process, and what is said of it.

pub(crate) mod log;
pub(crate) mod masking;
pub(crate) mod printable;
pub(crate) mod queries;
pub(crate) mod recording;
pub(crate) mod report;

//! What concerns the whole process.

pub(crate) mod own_runtime;
pub(crate) mod watchdog;

//! What concerns the whole process.

pub(crate) mod executor;
pub(crate) mod own_runtime;
pub(crate) mod panics;
pub(crate) mod running;
pub(crate) mod short_backtrace;
pub(crate) mod watchdog;

//! What concerns the whole process.

pub(crate) mod watchdog;

//! The codes of first messages that are no start-up message (PostgreSQL manual, "Message Formats").

pub(crate) const CANCEL_REQUEST: u32 = 80_877_102;
pub(crate) const SSL_REQUEST: u32 = 80_877_103;
pub(crate) const GSS_REQUEST: u32 = 80_877_104;

/// No start-up message comes near this many bytes (PostgreSQL's own limit).
pub(crate) const LONGEST_STARTUP: usize = 10_000;

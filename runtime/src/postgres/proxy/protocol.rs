//! PostgreSQL's messages, as bytes.
//!
//! Nothing here panics on bytes that are no messages: what cannot be read is `None`.

mod inbox;
mod read;
mod write;

pub(super) use self::{
    inbox::Inbox,
    read::{Body, columns, error_field, rows_of},
    write::{
        ErrorFields, Kind, bind_head, command_complete, error, execute_unnamed, message, notice,
        notification, parameter_status, query, ready, with_name,
    },
};

/// The first message of a connection has no kind; its code says what it is.
pub(super) const SSL_REQUEST: u32 = 80_877_103;
pub(super) const GSS_REQUEST: u32 = 80_877_104;
pub(super) const CANCEL_REQUEST: u32 = 80_877_102;

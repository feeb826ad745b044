//! PostgreSQL's messages, as bytes.
//!
//! Nothing here panics on bytes that are no messages: what cannot be read is `None`.

mod inbox;
mod read;
mod write;

pub(crate) use self::{
    inbox::{Inbox, split},
    read::{Body, columns, error_field, rows_of},
    write::{
        ErrorFields, MessageKind, bind_head, command_complete, error, execute_unnamed, message,
        notice, notification, parameter_status, query, ready, with_name,
    },
};

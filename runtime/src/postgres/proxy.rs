//! The proxy between a test's connections and its lane's one backend.

mod driver;
mod handle;
mod listener;
mod socket;
mod stopgap;
mod waker;

pub(crate) use self::{
    handle::{Ended, Proxy, Refused, Test},
    listener::{Listener, refusal, remove_directory},
    stopgap::{How, Proof},
};

/// The settings of a lane's connection that drivers set for each of theirs.
pub(crate) const BASE: [(&str, &str); 4] = [
    ("DateStyle", "ISO, MDY"),
    ("client_encoding", "UTF8"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "2"),
];

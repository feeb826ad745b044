//! The proxy between a test's connections and its lane's one backend.

mod driver;
mod handle;
mod stopgap;

pub(crate) use self::{
    driver::ACCEPT_PAUSE,
    handle::{Ended, Proxy, Refused, Test},
    stopgap::{How, Proof},
};

/// The settings of a lane's connection that drivers set for each of theirs.
pub(crate) const BASE: [(&str, &str); 4] = [
    ("DateStyle", "ISO, MDY"),
    ("client_encoding", "UTF8"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "2"),
];

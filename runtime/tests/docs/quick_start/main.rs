//! The first example of the README, which is also the one of the crate's documentation.
#![expect(clippy::unwrap_used, reason = "an example")]

mod example;

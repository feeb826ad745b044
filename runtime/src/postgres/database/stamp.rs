//! The unique part of a database's name.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hasher},
    time::{SystemTime, UNIX_EPOCH},
};

/// Hexadecimal digits of the seconds since 1970, until the year 2106.
const SECONDS: usize = 8;

/// Random hexadecimal digits.
const RANDOM: usize = 8;

/// The time and a random number, in hexadecimal digits.
pub(super) struct Stamp {
    seconds: u64,
    random: u32,
}

impl Stamp {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // Its keys are random, and others each time.
        let random = RandomState::new().build_hasher().finish();
        Self {
            seconds: since.unwrap_or_default().as_secs(),
            random: (random >> 32) as u32,
        }
    }

    /// The seconds since 1970 of a stamp.
    pub(super) fn seconds_of(stamp: &str) -> Option<i64> {
        let seconds = stamp.get(..SECONDS)?;
        (stamp.len() == SECONDS + RANDOM).then(|| i64::from_str_radix(seconds, 16).ok())?
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, random } = self;
        write!(f, "{seconds:0SECONDS$x}{random:0RANDOM$x}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Stamp;

    #[test]
    fn stamps_differ_and_tell_their_time() {
        let stamps: BTreeSet<_> = (0..100).map(|_| Stamp::new().to_string()).collect();
        assert_eq!(stamps.len(), 100);
        for stamp in stamps {
            assert!(
                Stamp::seconds_of(&stamp).is_some_and(|seconds| seconds > 1_700_000_000),
                "{stamp}"
            );
        }
    }
}

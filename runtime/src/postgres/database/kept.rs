//! The names of the databases of failed tests that were set aside to be looked at.

use std::fmt;

use super::PREFIX;

/// The second word of such a name. It is not a fingerprint, so that no lane or template has it.
const WORD: &str = "kept_";

/// PostgreSQL cuts longer names (`NAMEDATALEN`), and two that were cut may be one.
const LONGEST_NAME: usize = 63;

/// `_` and the number of a `u32`.
const LONGEST_NUMBER: usize = 11;

/// The database of a failed test, set aside; its name needs no quoting.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct KeptDatabase(String);

impl KeptDatabase {
    /// How all their names begin.
    pub(crate) fn prefix() -> String {
        format!("{PREFIX}{WORD}")
    }

    /// The name for one failure of a test. Of a long path, the end says most.
    pub(crate) fn new(test: &str, number: u32) -> Self {
        let letter = |c: char| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        };
        let words: String = test.replace("::", "_").chars().map(letter).collect();
        let prefix = Self::prefix();
        let room = LONGEST_NAME - LONGEST_NUMBER - prefix.len();
        let words = &words[words.len().saturating_sub(room)..];
        Self(format!("{prefix}{}_{number}", words.trim_matches('_')))
    }

    /// Recognizes a name of our own making among the databases of a server.
    pub(crate) fn recognize(name: &str) -> Option<Self> {
        let words = name.strip_prefix(&Self::prefix())?;
        let (_, number) = words.rsplit_once('_')?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let own = number.parse::<u32>().is_ok() && words.chars().all(plain);
        own.then(|| Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeptDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeptDatabase, LONGEST_NAME};
    use crate::postgres::database::DatabaseName;

    #[test]
    fn a_name_contains_the_test_s_and_is_never_too_long() {
        for (test, expected) in [
            ("it::users::adds_one", "dbt_kept_it_users_adds_one_7"),
            ("it::grüße::r#type", "dbt_kept_it_gr__e_r_type_7"),
            ("ß", "dbt_kept__7"),
        ] {
            assert_eq!(KeptDatabase::new(test, 7).as_str(), expected);
        }
        let long = KeptDatabase::new(&"a_long_path::".repeat(20), u32::MAX);
        assert!(long.as_str().len() <= LONGEST_NAME, "{long}");
    }

    #[test]
    fn it_is_recognized_and_never_taken_for_a_lane() {
        for test in ["it::a", "ß", "0123456789abcdef", "it::new"] {
            let kept = KeptDatabase::new(test, 3);
            assert_eq!(KeptDatabase::recognize(kept.as_str()), Some(kept.clone()));
            assert_eq!(DatabaseName::recognize(kept.as_str()), None, "{kept}");
        }
        for foreign in [
            "postgres",
            "dbt_kept",
            "dbt_kept_users",
            "dbt_kept_A_1",
            "kept_a_1",
        ] {
            assert_eq!(KeptDatabase::recognize(foreign), None, "{foreign}");
        }
    }
}

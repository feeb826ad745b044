//! Environment variables: an empty one counts as unset, whichever it is.

use std::{env, ffi::OsString};

/// The value of a variable, unless it is empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable whose value is one of a few words. Spaces around it and its case make no difference.
pub(crate) struct Choice<T: 'static> {
    pub(crate) name: &'static str,
    pub(crate) words: &'static [(&'static str, T)],
    /// What holds if the variable is not set, or its value is unknown.
    pub(crate) default: T,
    /// What an unknown value leads to, for the message about it.
    pub(crate) otherwise: &'static str,
}

impl<T: Copy> Choice<T> {
    /// Reads the variable; an unknown value is complained of.
    pub(crate) fn read(&self, complain: impl FnOnce(String)) -> T {
        let value = variable(self.name).unwrap_or_default();
        self.of(&value.to_string_lossy())
            .unwrap_or_else(|complaint| {
                complain(complaint);
                self.default
            })
    }

    fn of(&self, value: &str) -> Result<T, String> {
        let word = value.trim().to_ascii_lowercase();
        if word.is_empty() {
            return Ok(self.default);
        }
        let known = self.words.iter().find(|(known, _)| *known == word);
        known.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<_> = self.words.iter().map(|(word, _)| *word).collect();
            let (last, others) = words.split_last().unwrap_or((&"", &[]));
            format!(
                "{}: unknown value `{value}`, {} (expected {} or {last})",
                self.name,
                self.otherwise,
                others.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Choice;

    const FRUIT: Choice<u8> = Choice {
        name: "FRUIT",
        words: &[("none", 0), ("apple", 1), ("pear", 2)],
        default: 0,
        otherwise: "so there is none",
    };

    #[test]
    fn a_word_is_read_however_it_is_written() {
        for (value, meaning) in [("", 0), ("  ", 0), ("apple", 1), ("PEAR", 2), (" pear ", 2)] {
            assert_eq!(FRUIT.of(value), Ok(meaning), "{value}");
        }
    }

    #[test]
    fn an_unknown_value_is_complained_of_with_the_known_ones() {
        let complaint =
            "FRUIT: unknown value `nut`, so there is none (expected none, apple or pear)";
        assert_eq!(FRUIT.of("nut"), Err(complaint.to_owned()));
    }
}

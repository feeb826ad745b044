//! The list of kept databases, as it is printed.

use std::fmt::Write;

/// At most so many databases are kept in one place, which may be in memory.
const MOST: usize = 50;

/// A kept database.
pub(crate) struct Kept {
    /// The test that it is of.
    pub(crate) test: String,
    /// In seconds.
    pub(crate) age: i64,
    /// The command that opens it.
    pub(crate) command: String,
    /// Why it could not be dropped.
    pub(crate) problem: Option<String>,
}

/// The list, the newest first; `none` is said instead of an empty one.
pub(crate) fn listing(kept: &[Kept], place: &str, none: &str, about: &str) -> String {
    if kept.is_empty() {
        return format!("{none} {place}");
    }
    let mut text = format!("kept {place}:");
    for Kept {
        test,
        age,
        command,
        problem,
    } in kept
    {
        write!(text, "\n  {test}, {}", in_words(*age)).ok();
        if let Some(problem) = problem {
            write!(text, ", not dropped: {problem}").ok();
        }
        write!(text, "\n    {command}").ok();
    }
    write!(text, "\n{about}").ok();
    text
}

/// Why no more can be kept, if there are so many already.
pub(crate) fn most_are_kept(count: usize) -> Option<String> {
    (count >= MOST).then(|| {
        format!(
            "{MOST} databases are kept already\nDB_TEST_KEEP=drop on a run of any test drops them"
        )
    })
}

fn in_words(seconds: i64) -> String {
    match seconds {
        ..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn an_age_is_in_its_largest_unit() {
        let words = [5, 61, 7300, 200_000].map(in_words);
        assert_eq!(words, ["just now", "1 min ago", "2 h ago", "2 days ago"]);
    }
}

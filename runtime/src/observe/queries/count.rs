//! Expected numbers of statements.

use std::{
    fmt,
    ops::{RangeInclusive, RangeToInclusive},
};

/// An expected number of statements, for [`Queries::expect`](crate::Queries::expect): a number, or
/// a range such as `1..=3` or `..=2`.
pub trait QueryCount {
    /// Whether this number is as expected.
    fn allows(&self, count: usize) -> bool;

    /// Writes the expectation in words.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl QueryCount for usize {
    fn allows(&self, count: usize) -> bool {
        count == *self
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            1 => f.write_str("1 query was"),
            count => write!(f, "{count} queries were"),
        }
    }
}

impl QueryCount for RangeInclusive<usize> {
    fn allows(&self, count: usize) -> bool {
        self.contains(&count)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} queries were", self.start(), self.end())
    }
}

impl QueryCount for RangeToInclusive<usize> {
    fn allows(&self, count: usize) -> bool {
        self.contains(&count)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("at most ")?;
        self.end.describe(f)
    }
}

/// Shows a count in words.
pub(super) struct InWords<'a, C>(pub(super) &'a C);

impl<C: QueryCount> fmt::Display for InWords<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(f)
    }
}

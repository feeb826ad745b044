//! Who sent a statement.

/// Who sent a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Caller {
    /// The test itself: its body, or what made its arguments.
    #[default]
    Test,
    /// A handler, by the number of its exchange.
    Exchange(usize),
    /// A spawned task, with the number of the last exchange that had begun before.
    Task(Option<usize>),
    /// One of several handlers, on a connection that is not of the test's pool.
    Unclear,
}

impl Caller {
    /// The exchange that a statement of this caller counts for.
    pub(crate) fn exchange(self) -> Option<usize> {
        match self {
            Self::Test | Self::Unclear => None,
            Self::Exchange(number) => Some(number),
            Self::Task(number) => number,
        }
    }
}

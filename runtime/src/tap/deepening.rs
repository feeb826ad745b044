//! Having sqlx count the levels of a transaction that the server does not have yet.
//!
//! A lane's connection is brought to the sandbox's depth once, by as many statements. The relay
//! answers them before they are asked, and leaves them out: the query that opens a test's
//! transaction makes all levels at once.

/// How many statements have still to be answered, and left out.
#[derive(Default)]
pub(super) struct Deepening {
    answers_due: usize,
    left_out: usize,
}

impl Deepening {
    pub(super) fn of(levels: usize) -> Self {
        Self {
            answers_due: levels,
            left_out: 0,
        }
    }

    /// The answers, once the server has begun to serve: `CommandComplete`, and `ReadyForQuery`
    /// inside of a transaction.
    pub(super) fn answers(&mut self) -> Option<Vec<u8>> {
        let levels = std::mem::take(&mut self.answers_due);
        self.left_out += levels;
        (levels > 0).then(|| b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T".repeat(levels))
    }

    /// Whether one of the statements is still to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.left_out > 0
    }

    /// One of them has come.
    pub(super) fn leave_out(&mut self) {
        self.left_out -= 1;
    }
}

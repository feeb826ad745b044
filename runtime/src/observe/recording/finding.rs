//! Where connections of a test were not isolated as production's are.

use std::sync::Arc;

/// Two connections affected each other on the one backend, which production's would not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finding {
    pub(crate) kind: FindingKind,
    /// A connection by its number, and its statement.
    pub(crate) first: (u32, Arc<str>),
    pub(crate) second: (u32, Arc<str>),
}

/// What happened to the second statement of a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FindingKind {
    /// It may have read rows that the first had written and not committed.
    ReadUncommitted,
    /// Production would have waited for the first one's locks.
    LockNotWaitedFor,
    /// The same of a statement that does not tell how many rows it wrote.
    LockPerhapsNotWaitedFor,
    /// It was granted an advisory lock that the first one's connection holds.
    AdvisoryLockGranted,
    /// It was undone by a rollback of the first one's connection.
    WriteLost,
    /// It failed because the first one's transaction is read only.
    ReadOnly,
    /// Both connections have a temporary table of that name.
    TemporaryTable,
    /// It was refused because the first one did not go on with its COPY or its pipeline.
    HeldUp,
    /// It reads the time at which the test began, though the test has paused since.
    ClockStoodStill,
}

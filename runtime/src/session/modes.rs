//! How the tests of a session run: on which runtime, and apart from each other by what.

/// The runtime that tests run on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Flavor {
    /// The one runtime of the process, with a thread for each processor, which all tests share.
    #[default]
    MultiThread,
    /// A runtime of the test's own, on its own thread, as `#[tokio::test]` and `#[sqlx::test]` have it.
    ///
    /// Use it where the application or the test relies on that: thread-locals, `tokio::time::pause`, `spawn_local`,
    /// `tracing::subscriber::set_default`. What the test has spawned ends with it. See
    /// [runtimes.md](https://github.com/db-test/db-test/blob/main/docs/runtimes.md).
    CurrentThread,
}

/// What keeps a test apart from the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// A transaction around the test, which is rolled back.
    #[default]
    Transaction,
    /// A database of the test's own, which is cleared or thrown away.
    Database,
    /// A database in memory, on one connection: of a [session on SQLite](crate::Session::sqlite) alone.
    ///
    /// Use it where the schema is large and a test needs no second connection, and so no concurrent transactions. See
    /// [sqlite.md](https://github.com/db-test/db-test/blob/main/docs/sqlite.md).
    Memory,
}

//! The runtime of a test, and its isolation from other tests.

/// The runtime that tests run on; see [`Session::flavor`](crate::Session::flavor).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Flavor {
    /// The one runtime of the process, with a thread for each processor, which all tests share.
    #[default]
    MultiThread,
    /// A runtime for each test, on the test's thread, as with `#[tokio::test]` and `#[sqlx::test]`.
    ///
    /// Use it where the application or the test relies on that: thread-locals,
    /// `tokio::time::pause`, `spawn_local`, `tracing::subscriber::set_default`. The test's tasks
    /// end with it. See
    /// [runtimes.md](https://github.com/db-test/db-test/blob/main/docs/runtimes.md).
    CurrentThread,
}

/// How a test is isolated from the others; see [`Session::isolation`](crate::Session::isolation).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// A transaction around the test, which is rolled back.
    #[default]
    Transaction,
    /// A separate database for the test, which is cleared or dropped after it.
    ///
    /// Use it where a test needs several connections with real commits, such as for concurrent
    /// transactions.
    Database,
    /// A database in memory, on one connection; only in a session on SQLite (`Session::sqlite`,
    /// feature `sqlite`).
    ///
    /// Use it where the schema is large and a test needs only one connection. See
    /// [sqlite.md](https://github.com/db-test/db-test/blob/main/docs/sqlite.md).
    Memory,
}

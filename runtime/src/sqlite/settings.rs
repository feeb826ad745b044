//! What a session says of its SQLite database alone.

use std::{path::Path, sync::Arc};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::postgres::template::SeedFuture;

type OptionsFn = Arc<dyn Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync>;
type SeedFn = Arc<dyn Fn(SqlitePool) -> SeedFuture + Send + Sync>;

/// What a session says of its SQLite database alone.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) seed: Option<SeedFn>,
    pub(crate) connect_options: Option<OptionsFn>,
}

impl Settings {
    /// The options of a connection to a file, with those of the session.
    pub(super) fn options(&self, file: &Path) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            // A crash of the machine loses nothing that anybody needs.
            .synchronous(SqliteSynchronous::Off);
        self.adapted(options)
    }

    /// The options of a connection to a database in memory, with those of the session. The hooks know it by the name of its
    /// thread: it has no name of a file.
    pub(super) fn options_in_memory(&self, thread: String) -> SqliteConnectOptions {
        self.adapted(SqliteConnectOptions::new())
            .filename(":memory:")
            .in_memory(false)
            .shared_cache(false)
            .thread_name(move |_| thread.clone())
    }

    fn adapted(&self, options: SqliteConnectOptions) -> SqliteConnectOptions {
        match &self.connect_options {
            Some(adapt) => adapt(options),
            None => options,
        }
    }
}

//! The settings of a session that only SQLite has.

use std::{path::Path, sync::Arc};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::schema::{Code, Seed};

type OptionsFn = Arc<dyn Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync>;

/// The settings of a session that only SQLite has.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) seed: Option<Seed<SqlitePool>>,
    connect_options: Option<(OptionsFn, Code)>,
}

impl Settings {
    /// Changes the options of each connection.
    pub(crate) fn adapt_options<F>(&mut self, adapt: F)
    where
        F: Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
    {
        self.connect_options = Some((Arc::new(adapt), Code::of::<F>()));
    }

    /// Distinguishes the functions of one session from those of another.
    pub(crate) fn belong_to(&mut self, session: u64) {
        if let Some(seed) = &mut self.seed {
            seed.code.belong_to(session);
        }
        if let Some((_, code)) = &mut self.connect_options {
            code.belong_to(session);
        }
    }

    /// The functions that decide what a file contains.
    pub(super) fn functions(&self) -> Vec<Code> {
        let seed = self.seed.as_ref().map(|seed| seed.code);
        let options = self.connect_options.as_ref().map(|(_, code)| *code);
        seed.into_iter().chain(options).collect()
    }

    /// The options of a connection to a file, with those of the session.
    pub(super) fn options(&self, file: &Path) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .journal_mode(SqliteJournalMode::Wal)
            // A crash of the machine loses nothing that anybody needs.
            .synchronous(SqliteSynchronous::Off);
        // The session's function may return those of production, which name its file.
        self.adapted(options)
            .filename(file)
            .in_memory(false)
            .shared_cache(false)
            .create_if_missing(false)
    }

    /// The options of a connection to a database in memory, with those of the session. The hooks
    /// identify it by the name of its thread, because it has no file.
    pub(super) fn options_in_memory(&self, thread: String) -> SqliteConnectOptions {
        self.adapted(SqliteConnectOptions::new())
            .filename(":memory:")
            .in_memory(false)
            .shared_cache(false)
            .thread_name(move |_| thread.clone())
    }

    fn adapted(&self, options: SqliteConnectOptions) -> SqliteConnectOptions {
        match &self.connect_options {
            Some((adapt, _)) => adapt(options),
            None => options,
        }
    }
}

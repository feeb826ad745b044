//! SQLite: a template file made once, and a copy of it for each test.
//!
//! A copy in a file, with SQLite's own write-ahead log and several connections that really commit, is what production has.
//! Set aside: a shared cache (it answers differently, and its unlock-notify may hang), the VFS `memdb` (BUSY where a
//! write-ahead log would let a reader pass), a transaction around the test (`insert or rollback` ends it, and
//! `begin immediate` is refused inside of it).

mod cause;
mod fill;
mod fixtures;
mod home;
mod hooks;
mod keep;
mod template;
mod test_file;
mod traced;

use std::sync::Arc;

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

pub(crate) use self::{home::remove_own_files, template::Template, test_file::TestFile};
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
    fn options(&self, file: &std::path::Path) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            // What a crash of the machine would lose is of no use any more.
            .synchronous(SqliteSynchronous::Off);
        match &self.connect_options {
            Some(adapt) => adapt(options),
            None => options,
        }
    }
}

//! The template: a database made from the session's migrations and seeds when they change. Each
//! lane is a clone of it.

mod builtins;
mod clean_up;
mod empty_tables;
mod failed_migration;
mod fill;
mod fingerprint;
mod locale;
mod publish;
pub(crate) mod reap;
mod roles;
mod sequences;
mod server_objects;
mod waiting;

use std::{path::PathBuf, sync::Arc};

use sqlx::{PgPool, migrate::Migrator};
use tokio::sync::OnceCell;

pub(crate) use self::{
    clean_up::clean_up,
    empty_tables::EmptyTables,
    sequences::{REMEMBERED, Sequence},
};
use crate::{
    Error,
    postgres::{database::DatabaseName, server::Server},
    schema::Seed,
};

/// What a template is made from.
pub(crate) struct Content {
    pub(crate) migrator: Arc<Migrator>,
    /// Where the files of the migrations are.
    pub(crate) migrations_dir: PathBuf,
    pub(crate) seed_sql: Vec<String>,
    pub(crate) seed: Option<Seed<PgPool>>,
    pub(crate) locale: Option<String>,
    /// The name of a further database of a session.
    pub(crate) named: Option<String>,
}

/// The content of a session's databases, and whether it exists on the server.
pub(crate) struct Template {
    database: DatabaseName,
    content: Content,
    server: Arc<Server>,
    lane_source: OnceCell<Result<LaneSource, Error>>,
    empty_tables: EmptyTables,
}

/// Where lanes come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LaneSource {
    /// Each lane is a clone of the template.
    Clones,
    /// The role may not create databases: all lanes are connections to the named database.
    Shared,
}

impl Template {
    pub(crate) fn new(content: Content, server: Arc<Server>) -> Self {
        let fingerprint = fingerprint::of(&content, &server);
        Self {
            database: DatabaseName::template(&fingerprint),
            content,
            server,
            lane_source: OnceCell::new(),
            empty_tables: EmptyTables::default(),
        }
    }

    pub(crate) fn database(&self) -> &DatabaseName {
        &self.database
    }

    pub(crate) fn empty_tables(&self) -> &EmptyTables {
        &self.empty_tables
    }

    /// Whether this process already knows that it has to share one database.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.lane_source.get(), Some(Ok(LaneSource::Shared)))
    }

    /// Makes sure that the template exists: makes it, or waits for the process that makes it.
    ///
    /// # Errors
    ///
    /// A failure that would be the same again, such as a broken migration, is remembered.
    pub(crate) async fn ensure(&self) -> Result<LaneSource, Error> {
        let try_once = || async {
            // In a box, so that the layout of a user's future is not too deep for the compiler.
            let ensured = Box::pin(publish::ensure(self)).await.map_err(Error::from);
            match ensured {
                Err(error) if !error.is_permanent() => Err(error),
                result => Ok(result),
            }
        };
        self.lane_source.get_or_try_init(try_once).await?.clone()
    }

    /// Makes the template again after another process has dropped it as stale.
    pub(crate) async fn make_again(&self) -> Result<(), Error> {
        publish::ensure(self).await.map_err(Error::from).map(|_| ())
    }
}

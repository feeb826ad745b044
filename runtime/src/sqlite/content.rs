//! What a session's SQLite files are made from.

use std::{path::PathBuf, sync::Arc};

use sqlx::migrate::Migrator;

use super::Settings;
use crate::schema::Fingerprint;

/// Changes when the way a template is made changes.
const FORMAT: &[u8] = b"sqlite 1";

/// What a template is filled with.
pub(crate) struct Content {
    pub(crate) migrator: Arc<Migrator>,
    /// Where the files of the migrations are.
    pub(crate) migrations_dir: PathBuf,
    pub(crate) seed_sql: Vec<String>,
    pub(crate) settings: Settings,
}

impl Content {
    /// Whether there are migrations or a seed.
    pub(super) fn has_schema(&self) -> bool {
        let has_seed = self.settings.seed.is_some() || !self.seed_sql.is_empty();
        has_seed || self.migrator.iter().next().is_some()
    }

    /// The digest that names the template.
    pub(super) fn fingerprint(&self) -> String {
        let mut digest = Fingerprint::new();
        digest.add(FORMAT);
        digest.add_migrations(&self.migrator);
        // Options may be of the file, such as the size of its pages; they cannot be compared with
        // earlier ones.
        digest.add_seeds(&self.seed_sql, &self.settings.functions());
        digest.finish()
    }
}

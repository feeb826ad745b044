//! Where a session's migrations come from.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::migrate::Migrator;

use crate::error::Cause;

/// The migrations of a session: embedded by `sqlx::migrate!()`, or read from a directory.
///
/// Made by `into()` from a [`Migrator`] or a path.
#[derive(Clone, Debug, Default)]
pub struct Migrations(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    /// `migrations/` next to the crate's manifest, or none when there is no such directory.
    #[default]
    Conventional,
    Directory(PathBuf),
    Embedded(Arc<Migrator>),
}

impl Migrations {
    /// Reads the migrations; relative paths start at the crate's directory.
    pub(crate) async fn load(&self, crate_dir: &Path) -> Result<Arc<Migrator>, Cause> {
        match &self.0 {
            Source::Embedded(migrator) => Ok(Arc::clone(migrator)),
            Source::Directory(path) => read(&crate_dir.join(path)).await,
            Source::Conventional => {
                let directory = crate_dir.join("migrations");
                if directory.is_dir() {
                    read(&directory).await
                } else {
                    Ok(Arc::new(Migrator::DEFAULT))
                }
            }
        }
    }
}

async fn read(directory: &Path) -> Result<Arc<Migrator>, Cause> {
    match Migrator::new(directory).await {
        Ok(migrator) => Ok(Arc::new(migrator)),
        Err(error) => Err(Cause::MigrationsUnreadable {
            directory: directory.to_owned(),
            error,
        }),
    }
}

impl From<Migrator> for Migrations {
    fn from(migrator: Migrator) -> Self {
        Self(Source::Embedded(Arc::new(migrator)))
    }
}

impl From<&'static Migrator> for Migrations {
    fn from(migrator: &'static Migrator) -> Self {
        Self::from(Migrator {
            migrations: Cow::Borrowed(&migrator.migrations),
            ..copy_settings(migrator)
        })
    }
}

/// `Migrator` is not `Clone`; its settings are copied one by one.
fn copy_settings(migrator: &Migrator) -> Migrator {
    Migrator {
        migrations: Cow::Borrowed(&[]),
        ignore_missing: migrator.ignore_missing,
        locking: migrator.locking,
        no_tx: migrator.no_tx,
        table_name: migrator.table_name.clone(),
        create_schemas: migrator.create_schemas.clone(),
    }
}

impl From<&str> for Migrations {
    fn from(path: &str) -> Self {
        Self::from(Path::new(path))
    }
}

impl From<&Path> for Migrations {
    fn from(path: &Path) -> Self {
        Self(Source::Directory(path.to_owned()))
    }
}

impl From<PathBuf> for Migrations {
    fn from(path: PathBuf) -> Self {
        Self(Source::Directory(path))
    }
}

//! The migrations of a session.

mod files;

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::migrate::Migrator;

use crate::session::cause::Cause;

/// The migrations of a session: embedded by `sqlx::migrate!()`, or read from a directory.
///
/// Use it as the argument of [`Session::migrations`](crate::Session::migrations), which takes
/// anything that converts into it: a [`Migrator`] or a path. A directory without migrations is an
/// error; for a session without any, pass `Migrator::DEFAULT`.
///
/// ```
/// use db_test::Migrations;
/// use sqlx::migrate::Migrator;
///
/// let from_a_directory = Migrations::from("../server/migrations");
/// let none = Migrations::from(Migrator::DEFAULT);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Migrations(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    /// `migrations/` beside the crate's `Cargo.toml`, or none if there is no such directory.
    #[default]
    Conventional,
    Directory(PathBuf),
    Embedded(Arc<Migrator>),
}

impl Migrations {
    /// Reads the migrations; relative paths start at the crate's directory.
    ///
    /// # Errors
    ///
    /// When a directory is missing or has no migrations, and when two migrations have the same
    /// version.
    pub(crate) async fn load(
        &self,
        crate_dir: &Path,
        had_conventional: bool,
    ) -> Result<Arc<Migrator>, Cause> {
        let directory = self.directory(crate_dir);
        let migrator = match &self.0 {
            Source::Embedded(migrator) => Arc::clone(migrator),
            Source::Directory(_) => read(&directory).await?,
            Source::Conventional if directory.is_dir() => read(&directory).await?,
            Source::Conventional if had_conventional => {
                return Err(Cause::MigrationsGone { directory });
            }
            Source::Conventional => Arc::new(Migrator::DEFAULT),
        };
        files::refuse_twins(&migrator, &directory)?;
        Ok(migrator)
    }

    /// The directory of their files; for embedded ones, the conventional directory.
    pub(crate) fn directory(&self, crate_dir: &Path) -> PathBuf {
        crate_dir.join(match &self.0 {
            Source::Directory(path) => path,
            Source::Conventional | Source::Embedded(_) => Path::new("migrations"),
        })
    }
}

async fn read(directory: &Path) -> Result<Arc<Migrator>, Cause> {
    let migrator = Migrator::new(directory)
        .await
        .map_err(|error| Cause::MigrationsUnreadable {
            directory: directory.to_owned(),
            error,
        })?;
    if migrator.migrations.is_empty() {
        return Err(Cause::NoMigrations {
            directory: directory.to_owned(),
            found: files::described(directory),
        });
    }
    Ok(Arc::new(migrator))
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Migrations;
    use crate::executor::block_on;

    fn load(had_conventional: bool) -> Result<usize, String> {
        let migrations = Migrations::default();
        let loading = migrations.load(Path::new("/nowhere"), had_conventional);
        let loaded = block_on(loading).map_err(|error| error.to_string());
        loaded.map(|migrator| migrator.iter().count())
    }

    #[test]
    fn a_directory_that_was_there_for_the_compiler_must_not_be_missing() {
        let message = load(true).expect_err("it is missing");
        assert!(
            message.starts_with("the directory /nowhere/migrations is missing"),
            "{message}"
        );
    }

    #[test]
    fn a_directory_that_never_was_is_not_missed() {
        assert_eq!(load(false), Ok(0));
    }
}

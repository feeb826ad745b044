//! The file of a migration, by which the user knows it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sqlx::migrate::{MigrateError, Migration, Migrator};

/// The name of a migration's file: the true one where the file is there, which keeps leading zeros.
pub(crate) fn file_of(migration: &Migration, directory: &Path) -> String {
    let suffix = migration.migration_type.suffix();
    let rest = format!("{}{suffix}", migration.description.replace(' ', "_"));
    let of_this = |name: &String| {
        let parts = name.split_once('_');
        parts.is_some_and(|(version, end)| version.parse() == Ok(migration.version) && end == rest)
    };
    let found = names(directory).into_iter().find(of_this);
    found.unwrap_or_else(|| format!("{}_{rest}", migration.version))
}

/// The path of a migration's file as short as can be where it is there, and else its name.
pub(crate) fn shown_file_of(migration: &Migration, directory: &Path) -> String {
    let path = directory.join(file_of(migration, directory));
    if path.is_file() {
        shown(&path).display().to_string()
    } else {
        file_of(migration, directory)
    }
}

/// The migration that failed.
pub(crate) fn failed_migration<'a>(
    migrator: &'a Migrator,
    error: &MigrateError,
) -> Option<&'a Migration> {
    let MigrateError::ExecuteMigration(_, version) = error else {
        return None;
    };
    let mut migrations = migrator.iter();
    migrations.find(|m| m.version == *version && !m.migration_type.is_down_migration())
}

/// The name by which the user knows the migration that failed.
pub(crate) fn name_of(migration: Option<&Migration>) -> String {
    migration.map_or("bookkeeping".to_owned(), |migration| {
        let (version, description) = (migration.version, &migration.description);
        format!("`{version}_{}`", description.replace(' ', "_"))
    })
}

/// The names in a directory, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// The path of a file as short as can be: from the directory in which the process runs.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_owned()
}

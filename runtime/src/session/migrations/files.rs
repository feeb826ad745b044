//! Mistakes in a directory of migrations.

use std::{collections::BTreeMap, path::Path};

use sqlx::migrate::{Migration, Migrator};

use crate::{
    schema::{file_of, names},
    session::cause::Cause,
};

/// Rejects two migrations of one version: sqlx runs both, and then fails to record the second.
pub(super) fn refuse_twins(migrator: &Migrator, directory: &Path) -> Result<(), Cause> {
    let mut versions = BTreeMap::<i64, Vec<&Migration>>::new();
    let up = migrator
        .iter()
        .filter(|m| !m.migration_type.is_down_migration());
    for migration in up {
        versions
            .entry(migration.version)
            .or_default()
            .push(migration);
    }
    let Some((version, twins)) = versions.into_iter().find(|(_, all)| all.len() > 1) else {
        return Ok(());
    };
    let mut files: Vec<_> = twins.into_iter().map(|m| file_of(m, directory)).collect();
    files.sort();
    Err(Cause::MigrationsOfOneVersion {
        version,
        files: files.join("` and `"),
    })
}

/// The content of a directory without migrations, for a message.
pub(super) fn described(directory: &Path) -> String {
    let names = names(directory);
    match &names[..] {
        [] => "it is empty".to_owned(),
        [first, ..] => format!(
            "it has `{first}`{}, and the file of a migration has a name like 0001_create_users.sql",
            if names.len() > 1 { " and others" } else { "" }
        ),
    }
}

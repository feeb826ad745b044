//! A warning about a test whose attribute names other migrations than its session has.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::{Definition, Migrations, Origin, stated::Key};
use crate::observe::log;

/// Prints the warning, once for each session and each kind of statement.
pub(crate) async fn compare(name: &str, test: &Origin, definition: &Definition) {
    static COMPARED: Mutex<Option<HashSet<(usize, Key)>>> = Mutex::new(None);
    let Some(stated) = test.stated else { return };
    let pair = (std::ptr::from_ref(definition).addr(), stated.key());
    let is_new = {
        let mut compared = COMPARED.lock().unwrap_or_else(PoisonError::into_inner);
        compared.get_or_insert_default().insert(pair)
    };
    if !is_new {
        return;
    }
    let directory = test.crate_dir();
    let theirs = versions(&stated.migrations(), &directory).await;
    let ours = versions(&definition.session.migrations, &definition.crate_dir).await;
    // If a session's migrations cannot be read, its tests fail anyway.
    if ours.is_some() && theirs != ours {
        log::notice(format_args!(
            "{}: the attribute names other migrations than {}, and the session's are used; for tests with another schema, \
             write #[db_test(session = path::to::another_session)]",
            name, definition.name
        ));
    }
}

/// The versions and checksums of migrations.
async fn versions(migrations: &Migrations, crate_dir: &Path) -> Option<Vec<(i64, Vec<u8>)>> {
    let migrator = migrations.load(crate_dir, false).await.ok()?;
    let of_each = migrator.iter();
    Some(
        of_each
            .map(|migration| (migration.version, migration.checksum.to_vec()))
            .collect(),
    )
}

//! The migrations that a test's attribute states, as `#[sqlx::test]` has it: `migrations = "…"`, `migrator = "…"`.
//!
//! A session says them once for all tests. Where there is no session function, the attribute's are the session; where there
//! is one, it decides, and a test that states others is told so.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use sqlx::migrate::Migrator;

use super::{Definition, Migrations, Session, crate_dir};
use crate::{macro_support::Test, observe::announce::announce};

/// What an attribute says of its test's migrations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stated {
    /// `migrations = "directory"`
    Directory(&'static str),
    /// `migrator = "path::TO_A_STATIC"`
    Migrator(fn() -> &'static Migrator),
    /// `migrations = false`
    Nothing,
}

/// What tells one statement from another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Directory(&'static str),
    Migrator(usize),
    Nothing,
}

impl Stated {
    pub(super) fn key(self) -> Key {
        match self {
            Self::Directory(path) => Key::Directory(path),
            Self::Migrator(migrator) => Key::Migrator(std::ptr::from_ref(migrator()).addr()),
            Self::Nothing => Key::Nothing,
        }
    }

    /// The session of tests that have no session function.
    pub(super) fn session(self) -> Session {
        Session::postgres().migrations(self.migrations())
    }

    fn migrations(self) -> Migrations {
        match self {
            Self::Directory(path) => path.into(),
            Self::Migrator(migrator) => migrator().into(),
            Self::Nothing => Migrator::DEFAULT.into(),
        }
    }
}

/// Says once of each session when an attribute states other migrations than it has.
pub(crate) async fn compare(test: &Test, definition: &Definition) {
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
    let directory = crate_dir(test);
    let theirs = versions(&stated.migrations(), &directory).await;
    let ours = versions(&definition.session.migrations, &definition.crate_dir).await;
    // A session whose migrations cannot be read fails by itself.
    if ours.is_some() && theirs != ours {
        announce(format_args!(
            "{}: the migrations that its attribute states are not those of {}, which decides; for tests with a schema of their \
             own: #[db_test(session = path::to::another_session)]",
            test.name, definition.name
        ));
    }
}

/// The versions and checksums of migrations.
async fn versions(
    migrations: &Migrations,
    crate_dir: &std::path::Path,
) -> Option<Vec<(i64, Vec<u8>)>> {
    let migrator = migrations.load(crate_dir, false).await.ok()?;
    let of_each = migrator.iter();
    Some(
        of_each
            .map(|migration| (migration.version, migration.checksum.to_vec()))
            .collect(),
    )
}

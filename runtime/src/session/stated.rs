//! The migrations in a test's attribute, as with `#[sqlx::test]`: `migrations = "…"`, `migrator =
//! "…"`.
//!
//! Without a session function, they are the session's migrations. With one, the session decides,
//! and a warning is printed if the attribute names others.

use sqlx::migrate::Migrator;

use super::Migrations;

/// The migrations that an attribute names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stated {
    /// `migrations = "directory"`
    Directory(&'static str),
    /// `migrator = "path::TO_A_STATIC"`
    Migrator(fn() -> &'static Migrator),
    /// `migrations = false`
    Nothing,
}

/// Identifies them.
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

    pub(super) fn migrations(self) -> Migrations {
        match self {
            Self::Directory(path) => path.into(),
            Self::Migrator(migrator) => migrator().into(),
            Self::Nothing => Migrator::DEFAULT.into(),
        }
    }
}

//! The migrations that a test's attribute states, as `#[sqlx::test]` has it: `migrations = "…"`, `migrator = "…"`.
//!
//! A session says them once for all tests. Where there is no session function, the attribute's are the session; where there
//! is one, it decides, and a test that states others is told so.

use sqlx::migrate::Migrator;

use super::Migrations;

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

    pub(super) fn migrations(self) -> Migrations {
        match self {
            Self::Directory(path) => path.into(),
            Self::Migrator(migrator) => migrator().into(),
            Self::Nothing => Migrator::DEFAULT.into(),
        }
    }
}

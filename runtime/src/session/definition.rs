//! A session in this process.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::Arc,
};

use sqlx::migrate::Migrator;
use tokio::sync::OnceCell;

use super::{Session, SessionFn, cause::Cause};
#[cfg(feature = "sqlite")]
use crate::Error;
use crate::postgres::{Active, Started};

/// A session in this process: its description, and its templates once they are started.
pub(crate) struct Definition {
    /// The path of the function that describes it, for messages.
    pub(crate) name: String,
    pub(crate) crate_dir: PathBuf,
    /// Whether that directory had a `migrations/` when the test was compiled.
    had_migrations: bool,
    pub(crate) session: Session,
    pub(super) active: Started,
    /// The further databases, by their names.
    pub(crate) databases: Vec<(String, Definition)>,
    /// The template of a session on SQLite.
    #[cfg(feature = "sqlite")]
    pub(crate) sqlite: OnceCell<Result<Arc<crate::sqlite::Template>, Error>>,
}

/// The name of the session of a test binary without a session function.
pub(super) const CONVENTIONAL: &str = "the conventional session";

impl Definition {
    pub(super) fn new(
        name: String,
        crate_dir: PathBuf,
        had_migrations: bool,
        mut session: Session,
        function: Function,
    ) -> Self {
        session.own_functions(function.id_of(&name));
        let further = session.databases.iter().map(|named| {
            let title = format!("the database `{}` of {name}", named.name);
            let of_session = named.session(&session);
            let further = Self::new(title, crate_dir.clone(), false, of_session, function);
            (named.name.clone(), further)
        });
        Self {
            databases: further.collect(),
            name,
            crate_dir,
            had_migrations,
            session,
            active: OnceCell::new(),
            #[cfg(feature = "sqlite")]
            sqlite: OnceCell::new(),
        }
    }

    pub(super) fn active(&self) -> Option<Arc<Active>> {
        self.active.get()?.as_ref().ok().cloned()
    }

    /// Whether it is started and has migrations or a seed.
    pub(crate) fn has_schema(&self) -> bool {
        #[cfg(feature = "sqlite")]
        if let Some(Ok(template)) = self.sqlite.get() {
            return template.has_schema();
        }
        self.active().is_some_and(|active| active.has_schema())
    }

    /// Reads its migrations.
    pub(crate) async fn migrator(&self) -> Result<Arc<Migrator>, Cause> {
        let migrations = &self.session.migrations;
        migrations.load(&self.crate_dir, self.had_migrations).await
    }

    /// Whether its first database is SQLite.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_on_sqlite(&self) -> bool {
        self.session.sqlite.is_some()
    }

    #[cfg(not(feature = "sqlite"))]
    #[expect(clippy::unused_self, reason = "the form of the other one")]
    pub(crate) fn is_on_sqlite(&self) -> bool {
        false
    }

    pub(crate) fn is_conventional(&self) -> bool {
        self.name == CONVENTIONAL
    }
}

/// The function that describes a session.
#[derive(Clone, Copy)]
pub(super) struct Function {
    /// Its place in the program, from a fixed one: addresses differ from process to process.
    offset: usize,
}

impl Function {
    /// None: the session is described by a test's attribute or by convention.
    pub(super) const NONE: Self = Self { offset: 0 };

    pub(super) fn of(make: SessionFn) -> Self {
        let here = DatabaseKind::session as *const () as usize;
        Self {
            offset: (make as usize).wrapping_sub(here),
        }
    }

    /// An id of a database that it describes, the same in each process of the program.
    fn id_of(self, name: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.offset, name).hash(&mut hasher);
        hasher.finish()
    }
}

/// A kind of database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum DatabaseKind {
    #[default]
    Postgres,
    #[cfg(feature = "sqlite")]
    Sqlite,
}

impl DatabaseKind {
    /// The kind that a test's arguments belong to.
    pub(crate) fn of(is_sqlite: bool) -> Self {
        match is_sqlite {
            #[cfg(feature = "sqlite")]
            true => Self::Sqlite,
            _ => Self::Postgres,
        }
    }

    pub(super) fn session(self) -> Session {
        match self {
            Self::Postgres => Session::postgres(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => Session::sqlite(),
        }
    }
}

//! Which session a test belongs to.

use std::{
    collections::HashMap,
    env, iter,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use futures_util::future::join_all;
use sqlx::migrate::Migrator;
use tokio::sync::OnceCell;

use super::{
    Session,
    cause::Cause,
    stated::{self, Stated},
};
use crate::{
    Error,
    postgres::{Active, Started},
};

/// A function that describes a session.
pub type SessionFn = fn() -> Session;

/// What decides to which session a test belongs.
#[derive(Debug)]
pub(crate) struct Origin {
    crate_dir: &'static str,
    /// Whether there was a `migrations/` in that directory when the test was compiled.
    pub(crate) had_migrations: bool,
    /// The migrations that the test's attribute states.
    pub(crate) stated: Option<Stated>,
    /// The session that it names.
    pub(crate) session: Option<SessionFn>,
}

/// A session as this process knows it: what describes it, and what has been started of it.
pub(crate) struct Definition {
    /// The path of the function that describes it, for messages.
    pub(crate) name: String,
    pub(crate) crate_dir: PathBuf,
    /// Whether there was a `migrations/` in that directory when the test was compiled.
    had_migrations: bool,
    pub(crate) session: Session,
    pub(super) active: Started,
    /// The further databases, by their names.
    pub(crate) databases: Vec<(String, Definition)>,
    /// The template of a session on SQLite.
    #[cfg(feature = "sqlite")]
    pub(crate) sqlite: OnceCell<Result<Arc<crate::sqlite::Template>, Error>>,
}

/// The name of the session of a test binary that describes none.
const CONVENTIONAL: &str = "the conventional session";

impl Definition {
    fn new(name: String, crate_dir: PathBuf, had_migrations: bool, session: Session) -> Self {
        let further = session.databases.iter().map(|named| {
            let title = format!("the database `{}` of {name}", named.name);
            let further = Self::new(title, crate_dir.clone(), false, named.session(&session));
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

    fn active(&self) -> Option<Arc<Active>> {
        self.active.get()?.as_ref().ok().cloned()
    }

    /// Whether it has been started, and has migrations or a seed.
    pub(crate) fn has_schema(&self) -> bool {
        #[cfg(feature = "sqlite")]
        if let Some(Ok(template)) = self.sqlite.get() {
            return template.has_schema();
        }
        self.active().is_some_and(|active| active.has_schema())
    }

    /// Its migrations, as they are now.
    pub(crate) async fn migrator(&self) -> Result<Arc<Migrator>, Cause> {
        let migrations = &self.session.migrations;
        migrations.load(&self.crate_dir, self.had_migrations).await
    }

    pub(crate) fn is_conventional(&self) -> bool {
        self.name == CONVENTIONAL
    }
}

/// A kind of database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum Kind {
    #[default]
    Postgres,
    #[cfg(feature = "sqlite")]
    Sqlite,
}

impl Kind {
    /// The kind that a test's arguments are of.
    pub(crate) fn of(is_sqlite: bool) -> Self {
        match is_sqlite {
            #[cfg(feature = "sqlite")]
            true => Self::Sqlite,
            _ => Self::Postgres,
        }
    }

    fn session(self) -> Session {
        match self {
            Self::Postgres => Session::postgres(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => Session::sqlite(),
        }
    }
}

/// The session functions marked `#[db_test::session]`, registered before `main`.
static REGISTERED: Mutex<Vec<(&'static str, SessionFn)>> = Mutex::new(Vec::new());

/// The definitions made so far; a session function is called once in a process, and without the lock.
static DEFINITIONS: Mutex<Option<HashMap<Key, &'static OnceLock<Definition>>>> = Mutex::new(None);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Function(usize),
    Conventional(&'static str, Kind),
    Stated(&'static str, stated::Key, Kind),
}

/// Registers a session function; called before `main` by generated code.
pub(crate) fn register(path: &'static str, make: SessionFn) {
    REGISTERED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((path, make));
}

/// Finds the session of a test: the one its attribute names, or the registered one, or the
/// conventional one that knows only the crate's `migrations/`.
///
/// Where there is no session function, the test's arguments tell the kind of its database.
pub(crate) fn definition_of(test: &Origin, kind: Kind) -> Result<&'static Definition, Error> {
    if let Some(make) = test.session {
        return Ok(definition(
            Key::Function(make as usize),
            "the session that the attribute names",
            make,
            test,
        ));
    }
    let registered = REGISTERED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    match registered[..] {
        [] => {
            let (key, stated) = match test.stated {
                Some(stated) => {
                    let key = Key::Stated(test.crate_dir, stated.key(), kind);
                    (key, Some(stated))
                }
                None => (Key::Conventional(test.crate_dir, kind), None),
            };
            let make = || {
                let session = kind.session();
                match stated {
                    Some(stated) => session.migrations(stated.migrations()),
                    None => session,
                }
            };
            Ok(definition(key, CONVENTIONAL, make, test))
        }
        [(path, make)] => Ok(definition(Key::Function(make as usize), path, make, test)),
        _ => {
            let paths = registered.iter().map(|(path, _)| *path).collect();
            Err(Error::from(Cause::SeveralSessions { paths }))
        }
    }
}

impl Origin {
    pub(crate) const fn new(crate_dir: &'static str) -> Self {
        Self {
            crate_dir,
            had_migrations: false,
            stated: None,
            session: None,
        }
    }

    /// Where the crate of the test is now. Under Cargo and nextest the environment says it, also where an archive of
    /// test programs runs on another machine than the one they were compiled on.
    pub(crate) fn crate_dir(&self) -> PathBuf {
        let now = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        now.filter(|directory| directory.is_dir())
            .unwrap_or_else(|| PathBuf::from(self.crate_dir))
    }
}

fn definition(
    key: Key,
    name: &str,
    make: impl FnOnce() -> Session,
    test: &Origin,
) -> &'static Definition {
    // One for each session function of the program, so the leak is bounded.
    let once: &'static OnceLock<_> = *definitions()
        .get_or_insert_default()
        .entry(key)
        .or_insert_with(|| Box::leak(Box::default()));
    once.get_or_init(|| {
        let name = name.to_owned();
        Definition::new(name, test.crate_dir(), test.had_migrations, make())
    })
}

fn definitions() -> MutexGuard<'static, Option<HashMap<Key, &'static OnceLock<Definition>>>> {
    DEFINITIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether any session has been started, and so has connections to close.
pub(crate) fn any_active() -> bool {
    !active().is_empty()
}

/// Closes the connections of every session in good order; called at the end of the process.
pub(crate) async fn close_all() {
    join_all(active().iter().map(|session| session.lanes().close())).await;
}

fn active() -> Vec<Arc<Active>> {
    let definitions = definitions();
    let all = definitions.iter().flat_map(HashMap::values);
    let defined = all.filter_map(|definition| definition.get());
    defined
        .flat_map(|one| iter::once(one).chain(one.databases.iter().map(|(_, further)| further)))
        .filter_map(Definition::active)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Origin, Session, any_active, definition_of};

    #[test]
    fn a_session_function_runs_without_the_registry_s_lock() {
        fn session() -> Session {
            // Whatever asks the registry, such as the exit of the process, need not wait for a slow session function.
            any_active();
            Session::postgres()
        }
        let test = Origin {
            session: Some(session),
            ..Origin::new("/")
        };
        assert!(definition_of(&test, super::Kind::Postgres).is_ok());
    }
}

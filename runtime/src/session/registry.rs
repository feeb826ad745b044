//! The sessions of this process, and which one a test belongs to.

use std::{
    collections::HashMap,
    iter,
    sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
};

use futures_util::future::join_all;

use super::{
    Session, SessionFn,
    cause::Cause,
    definition::{CONVENTIONAL, DatabaseKind, Definition, Function},
    origin::Origin,
    stated,
};
use crate::{Error, postgres::Active};

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Registry {
    /// The functions marked `#[db_test::session]`, with their paths; registered before `main`.
    functions: Vec<(&'static str, SessionFn)>,
    /// The definitions made so far.
    definitions: HashMap<Key, &'static OnceLock<Definition>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Function(usize),
    Conventional(&'static str, DatabaseKind),
    Stated(&'static str, stated::Key, DatabaseKind),
}

/// Registers a session function; called before `main` by generated code.
pub(crate) fn register(path: &'static str, make: SessionFn) {
    registry().functions.push((path, make));
}

/// Finds the session of a test: the one that its attribute names, or the registered one, or the
/// conventional one, which has only the crate's `migrations/`.
///
/// Without a session function, the test's arguments decide the kind of database.
pub(crate) fn definition_of(
    test: &Origin,
    kind: DatabaseKind,
) -> Result<&'static Definition, Error> {
    if let Some(make) = test.session {
        let name = "the session that the attribute names";
        return Ok(described(make, name, test));
    }
    let functions = registry().functions.clone();
    match functions[..] {
        [] => Ok(without_function(test, kind)),
        [(path, make)] => Ok(described(make, path, test)),
        _ => {
            let paths = functions.iter().map(|(path, _)| *path).collect();
            Err(Error::from(Cause::SeveralSessions { paths }))
        }
    }
}

fn without_function(test: &Origin, kind: DatabaseKind) -> &'static Definition {
    match test.stated {
        None => {
            let key = Key::Conventional(test.crate_dir, kind);
            definition(key, CONVENTIONAL, || kind.session(), Function::NONE, test)
        }
        Some(stated) => {
            let key = Key::Stated(test.crate_dir, stated.key(), kind);
            let make = || kind.session().migrations(stated.migrations());
            definition(key, CONVENTIONAL, make, Function::NONE, test)
        }
    }
}

fn described(make: SessionFn, name: &str, test: &Origin) -> &'static Definition {
    let key = Key::Function(make as usize);
    definition(key, name, make, Function::of(make), test)
}

/// The definition of a key; its session function is called once in a process, and without the lock.
fn definition(
    key: Key,
    name: &str,
    make: impl FnOnce() -> Session,
    function: Function,
    test: &Origin,
) -> &'static Definition {
    let once = registry().slot(key);
    once.get_or_init(|| {
        let name = name.to_owned();
        let (directory, had_migrations) = (test.crate_dir(), test.had_migrations);
        Definition::new(name, directory, had_migrations, make(), function)
    })
}

/// Whether any session has been started, and so has connections to close.
pub(crate) fn any_active() -> bool {
    !registry().active().is_empty()
}

/// Closes the connections of every session; called at the end of the process.
pub(crate) async fn close_all() {
    let active = registry().active();
    join_all(active.iter().map(|session| session.lanes().close())).await;
}

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    fn slot(&mut self, key: Key) -> &'static OnceLock<Definition> {
        // One for each session function of the program, so the leak is bounded.
        let slot = || Box::leak(Box::default());
        self.definitions.entry(key).or_insert_with(|| slot())
    }

    fn active(&self) -> Vec<Arc<Active>> {
        let defined = self.definitions.values().filter_map(|slot| slot.get());
        defined
            .flat_map(|one| iter::once(one).chain(one.databases.iter().map(|(_, further)| further)))
            .filter_map(Definition::active)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, Session, any_active, definition_of};
    use crate::session::DatabaseKind;

    #[test]
    fn a_session_function_runs_without_the_lock_of_the_registry() {
        fn session() -> Session {
            // The exit of the process, for example, must not wait for a slow session function.
            any_active();
            Session::postgres()
        }
        let test = Origin {
            session: Some(session),
            ..Origin::new("/")
        };
        assert!(definition_of(&test, DatabaseKind::Postgres).is_ok());
    }
}

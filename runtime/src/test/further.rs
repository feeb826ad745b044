//! The databases of a test beside its first one, by name. Each is opened when it is first used.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::PgPoolOptions;
use tokio::sync::OnceCell;

use crate::{
    Error, Isolation, Savepoint,
    error::Kind,
    executor,
    observe::recording::Recording,
    postgres::{
        self, Startable,
        keep::{Keeping, Verdict},
        proxy::Watch,
        sandbox::{Ending, Stopwatch},
    },
    session::Definition,
    test::{cause::Cause, database::AnyDatabase, isolation::TestDatabase},
};

/// The further databases of one test.
pub(crate) struct Further {
    session: &'static Definition,
    databases: Vec<Database>,
}

struct Database {
    name: &'static str,
    session: Startable,
    isolation: Isolation,
    pool: PgPoolOptions,
    watch: Watch,
    keeping: Keeping,
    opened: Arc<OnceCell<Result<TestDatabase, Error>>>,
    /// The time spent on a database of the test's own, which is not the test's.
    opening: Stopwatch,
}

impl Further {
    pub(crate) fn of(
        definition: &'static Definition,
        isolation: Isolation,
        watch: &Watch,
        keeping: &Keeping,
    ) -> Self {
        let databases = definition.databases.iter().map(|(name, further)| Database {
            name,
            session: Startable::of(further),
            isolation,
            pool: further.session.pool_options(isolation),
            watch: Watch {
                recording: watch.recording.of_database(name),
                faults: Arc::clone(&watch.faults),
            },
            keeping: keeping.another(),
            opened: Arc::default(),
            opening: Stopwatch::default(),
        });
        Self {
            session: definition,
            databases: databases.collect(),
        }
    }

    /// The database of a name.
    ///
    /// With `isolation = "database"`, whoever is the first to ask for it waits until it is there.
    pub(crate) fn get(&self, name: &str) -> Result<&TestDatabase, Error> {
        let known = self.databases.iter().find(|known| known.name == name);
        known.ok_or_else(|| self.no_such(name))?.get()
    }

    fn no_such(&self, name: &str) -> Error {
        let known = self.databases.iter().map(|known| known.name);
        Error::from(Cause::NoSuchDatabase {
            name: name.to_owned(),
            session: self.session.name.clone(),
            known: known.collect(),
        })
    }

    /// Marks the present state of all of them.
    pub(crate) async fn savepoint(
        &self,
        mut savepoint: Savepoint,
        case_limit: Duration,
    ) -> Result<Savepoint, Error> {
        for database in &self.databases {
            let further = database.get()?.savepoint(case_limit);
            savepoint = savepoint.with(further.await?);
        }
        Ok(savepoint)
    }

    pub(crate) fn time_preparing(&self) -> Duration {
        let each = self.databases.iter().map(|database| {
            let opened = database.opened.get();
            let opened = opened.and_then(|opened| opened.as_ref().ok());
            let inside = opened.map_or(Duration::ZERO, AnyDatabase::time_preparing);
            database.opening.elapsed() + inside
        });
        each.sum()
    }

    /// Ends the test's use of those that it has used.
    pub(crate) async fn end(&self, verdict: Verdict) -> Vec<(&'static str, Ending)> {
        let mut endings = Vec::new();
        for database in &self.databases {
            // Whoever asks for it from now on gets no database.
            let over = || async { Err(Error::from(postgres::cause::Cause::TestEnded)) };
            let ending = match database.opened.get_or_init(over).await {
                Ok(opened) if opened.is_used() => opened.end(verdict, &database.keeping).await,
                Err(error) if !error.is(Kind::TestEnded) => Ending::NotOpened(error.clone()),
                _ => continue,
            };
            endings.push((database.name, ending));
        }
        endings
    }

    /// What was kept of them.
    pub(crate) fn kept(&self) -> impl Iterator<Item = String> {
        self.databases.iter().filter_map(|database| {
            let kept = database.keeping.report()?;
            Some(format!("of `{}`:\n{kept}", database.name))
        })
    }

    pub(crate) fn recordings(&self) -> impl Iterator<Item = &Arc<Recording>> {
        let databases = self.databases.iter();
        databases.map(|database| &database.watch.recording)
    }
}

impl Database {
    fn get(&self) -> Result<&TestDatabase, Error> {
        if self.opened.get().is_none() {
            match self.isolation {
                Isolation::Transaction | Isolation::Memory => {
                    let lazy = TestDatabase::transaction(
                        self.session,
                        self.pool.clone(),
                        self.watch.clone(),
                    );
                    self.opened.set(Ok(lazy)).ok();
                }
                Isolation::Database => self.open(),
            }
        }
        let opened = self.opened.get();
        let ended = || Error::from(postgres::cause::Cause::TestEnded);
        opened.ok_or_else(ended)?.as_ref().map_err(Clone::clone)
    }

    /// Has a database of the test's own made, and waits for it.
    fn open(&self) {
        let _lap = self.opening.start();
        let (isolation, session, pool) = (self.isolation, self.session, self.pool.clone());
        let (opened, watch) = (Arc::clone(&self.opened), self.watch.clone());
        executor::wait_for(async move {
            let open = || TestDatabase::open(isolation, session, pool, watch);
            opened.get_or_init(open).await;
        });
    }
}

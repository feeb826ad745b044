//! The further databases of a test, by name. Each is opened when it is first used.

use std::{any::Any, sync::Arc, time::Duration};

use tokio::sync::OnceCell;

use crate::{
    Error, Isolation, Savepoint,
    database::{
        AnyDatabase, Ending,
        keeping::{Keeping, Verdict},
    },
    error::ProblemKind,
    executor,
    observe::recording::Recording,
    postgres::{self, proxy::Watch, sandbox::Stopwatch},
    session::Definition,
    test::{cause::Cause, opening, postgres_database::PostgresDatabase},
};

/// The further databases of one test.
pub(crate) struct Further {
    session: &'static Definition,
    databases: Vec<Database>,
}

struct Database {
    name: &'static str,
    definition: &'static Definition,
    isolation: Isolation,
    watch: Watch,
    keeping: Keeping,
    opened: Arc<OnceCell<Result<Box<dyn AnyDatabase>, Error>>>,
    /// The time spent on making a separate database, which does not count against the test's limit.
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
            definition: further,
            // Only the first database of a test can be in memory.
            isolation: match isolation {
                Isolation::Memory => Isolation::Transaction,
                isolation => isolation,
            },
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

    /// The database of a name, of whatever kind.
    ///
    /// The first caller waits until it is there, unless it is a transaction's.
    pub(crate) fn get(&self, name: &str) -> Result<&dyn AnyDatabase, Error> {
        self.find(name, "database")?.get()
    }

    /// The PostgreSQL database of a name.
    pub(crate) fn postgres(&self, name: &str) -> Result<&PostgresDatabase, Error> {
        self.find(name, "database")?.postgres()
    }

    /// The SQLite database of a name.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(&self, name: &str) -> Result<&crate::sqlite::TestDatabase, Error> {
        let database = self.find(name, "sqlite_database")?;
        let name = database.name;
        database
            .kind()?
            .ok_or_else(|| Cause::FurtherNotSqlite { name }.into())
    }

    /// The database of a name; `method` adds one of the kind that the test needs.
    fn find(&self, name: &str, method: &'static str) -> Result<&Database, Error> {
        let known = self.databases.iter().find(|known| known.name == name);
        known.ok_or_else(|| self.no_such(name, method))
    }

    fn no_such(&self, name: &str, method: &'static str) -> Error {
        let known = self.databases.iter().map(|known| known.name);
        Error::from(Cause::NoSuchDatabase {
            name: name.to_owned(),
            method,
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
            let Ok(database) = database.postgres() else {
                let name = database.name;
                return Err(Error::from(Cause::NoSavepointOfSqlite { name }));
            };
            savepoint = savepoint.with(database.savepoint(case_limit).await?);
        }
        Ok(savepoint)
    }

    pub(crate) fn time_preparing(&self) -> Duration {
        let each = self.databases.iter().map(|database| {
            let opened = database.opened.get();
            let opened = opened.and_then(|opened| opened.as_ref().ok());
            let inside = opened.map_or(Duration::ZERO, |opened| opened.time_preparing());
            database.opening.elapsed() + inside
        });
        each.sum()
    }

    /// Ends the test's use of the databases that it has used.
    pub(crate) async fn end(&self, verdict: Verdict) -> Vec<(&'static str, Ending)> {
        let mut endings = Vec::new();
        for database in &self.databases {
            // From now on it cannot be opened any more.
            let over = || async { Err(Error::from(postgres::cause::Cause::TestEnded)) };
            let ending = match database.opened.get_or_init(over).await {
                Ok(opened) if opened.is_used() => opened.end(verdict, &database.keeping).await,
                Err(error) if !error.is(ProblemKind::TestEnded) => Ending::NotOpened(error.clone()),
                _ => continue,
            };
            endings.push((database.name, ending));
        }
        endings
    }

    /// How to open those that are kept.
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
    fn get(&self) -> Result<&dyn AnyDatabase, Error> {
        if self.opened.get().is_none() {
            match opening::lazily(self.definition, self.isolation, &self.watch) {
                Some(lazy) => {
                    self.opened.set(Ok(lazy)).ok();
                }
                None => self.open(),
            }
        }
        let opened = self.opened.get();
        let ended = || Error::from(postgres::cause::Cause::TestEnded);
        match opened.ok_or_else(ended)? {
            Ok(database) => Ok(&**database),
            Err(error) => Err(error.clone()),
        }
    }

    fn postgres(&self) -> Result<&PostgresDatabase, Error> {
        let name = self.name;
        self.kind()?
            .ok_or_else(|| Cause::FurtherNotPostgres { name }.into())
    }

    /// The database, if it is of that kind.
    fn kind<T: AnyDatabase>(&self) -> Result<Option<&T>, Error> {
        let database: &dyn Any = self.get()?;
        Ok(database.downcast_ref())
    }

    /// Makes the database, and blocks the thread until it exists.
    fn open(&self) {
        let _lap = self.opening.start();
        let (definition, watch) = (self.definition, self.watch.clone());
        let isolation = Some(Isolation::Database);
        let opened = Arc::clone(&self.opened);
        executor::wait_for(async move {
            let open = || opening::open(definition, isolation, watch);
            opened.get_or_init(open).await;
        });
    }
}

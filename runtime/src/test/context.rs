//! What one running test has: its sandbox, its overrides, its router.

use std::{
    any::Any,
    future::Future,
    iter,
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

#[cfg(feature = "axum")]
use axum::Router;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
#[cfg(feature = "sqlite")]
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
#[cfg(feature = "axum")]
use tokio::sync::OnceCell;

#[cfg(feature = "sqlite")]
use crate::sqlite::TestFile;

use crate::{
    BoxError, Error, FromTest, Overrides, Savepoint, Teardown,
    observe::{log, queries, recording::Recording},
    overrides::Layer,
    postgres::{Startable, keep::Keeping, proxy::Watch},
    session::{Definition, Isolation},
    test::{
        cause::{Cause, calling},
        database::AnyDatabase,
        description::Test,
        faults,
        further::Further,
        isolation::TestDatabase,
        outcome::{Endings, FieldError, Outcome},
        teardown::Teardowns,
    },
};

/// The surroundings of one running test, as [`FromTest`] implementations and a session's `app`
/// function see them.
///
/// Cheap to clone; every clone is the same test.
#[derive(Clone)]
pub struct TestContext(Arc<Inner>);

struct Inner {
    test: &'static Test,
    definition: &'static Definition,
    overrides: Overrides,
    database: Box<dyn AnyDatabase>,
    further: Further,
    recording: Arc<Recording>,
    faults: Arc<faults::Table>,
    #[cfg(feature = "axum")]
    router: OnceCell<Router>,
    /// The database has been asked for, by the application while it is built or by the test.
    asked: AtomicBool,
    /// The application was built, and so without asking for the database.
    app_has_no_pool: AtomicBool,
    keeping: Keeping,
    teardowns: Teardowns,
}

impl TestContext {
    pub(crate) async fn open(
        test: &'static Test,
        definition: &'static Definition,
    ) -> Result<Self, Error> {
        let overrides = Overrides::default();
        calling(
            "a function given to the session's `.overrides(…)`",
            || {
                definition
                    .session
                    .apply_overrides(&overrides.at(Layer::Session));
            },
        )?;
        if let Some(set) = test.overrides {
            calling(
                "the function that the attribute's `overrides` names",
                || {
                    set(&overrides.at(Layer::Attribute));
                },
            )?;
        }
        let recording = Recording::new(test.name);
        let faults = Arc::<faults::Table>::default();
        let watch = Watch {
            recording: Arc::clone(&recording),
            faults: Arc::clone(&faults) as _,
        };
        let (isolation, keeping) = (isolation_of(test, definition), Keeping::of(test.name));
        let further = Further::of(definition, isolation, &watch, &keeping);
        let database = open_database(test, definition, watch).await?;
        Ok(Self(Arc::new(Inner {
            test,
            definition,
            overrides,
            database,
            further,
            recording,
            faults,
            #[cfg(feature = "axum")]
            router: OnceCell::new(),
            asked: AtomicBool::new(false),
            app_has_no_pool: AtomicBool::new(false),
            keeping,
            teardowns: Teardowns::default(),
        })))
    }

    /// The test's name with its modules, such as `it::users::creates_a_user`.
    pub fn name(&self) -> &'static str {
        self.0.test.name
    }

    /// The test's database as an ordinary pool, of up to ten connections as sqlx has it.
    ///
    /// All of them are in one transaction, which is rolled back when the test ends; within it each of them
    /// begins, commits and fails as in production. With `isolation = "database"` what they commit is
    /// committed. A handle that outlives the test makes whoever uses it wait a moment, and answers an error that names
    /// the test.
    pub fn pool(&self) -> PgPool {
        self.0.asked.store(true, Ordering::Relaxed);
        match self.postgres() {
            Ok(database) => database.pool(),
            Err(error) => panic!("db-test: {error}"),
        }
    }

    /// The pool of the session's further database of this name; see [`Session::database`](crate::Session::database).
    ///
    /// It is rolled back, or thrown away, as the [first one](Self::pool) is. With `isolation = "database"` the first
    /// call waits until the database has been made, and blocks its thread meanwhile.
    ///
    /// # Panics
    ///
    /// When the session has no database of this name; with `isolation = "database"`, when it could not be made.
    #[track_caller]
    pub fn pool_of(&self, name: &str) -> PgPool {
        self.0.asked.store(true, Ordering::Relaxed);
        match self.0.further.get(name) {
            Ok(database) => database.pool(),
            Err(error) => panic!("{error}"),
        }
    }

    /// The test's database as an ordinary pool, of a [session on SQLite](crate::Session::sqlite).
    ///
    /// It is of up to ten connections as sqlx has it, which really commit, to a file that is removed when the test ends.
    ///
    /// # Panics
    ///
    /// In a session on PostgreSQL.
    #[cfg(feature = "sqlite")]
    pub fn sqlite_pool(&self) -> SqlitePool {
        match self.sqlite() {
            Ok(file) => file.pool(),
            Err(error) => panic!("db-test: {error}"),
        }
    }

    /// The options of connections of the application's own making, in a [session on SQLite](crate::Session::sqlite).
    ///
    /// # Errors
    ///
    /// In a session on PostgreSQL.
    #[cfg(feature = "sqlite")]
    pub fn sqlite_connect_options(&self) -> Result<SqliteConnectOptions, Error> {
        Ok(self.sqlite()?.connect_options())
    }

    /// The test's SQLite database.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(&self) -> Result<&TestFile, Error> {
        self.0.asked.store(true, Ordering::Relaxed);
        let database: &dyn Any = &*self.0.database;
        let database = database.downcast_ref();
        database.ok_or_else(|| Error::from(Cause::NotSqlite))
    }

    /// The options of a pool of the application's own making.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite_pool_options(&self) -> SqlitePoolOptions {
        self.0.definition.session.sqlite_pool_options()
    }

    /// The replacements that are in force in this test.
    pub fn overrides(&self) -> &Overrides {
        &self.0.overrides
    }

    /// The replacement set for type `T`, if there is one.
    pub fn overridden<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.0.overrides.asked_for_state()
    }

    /// The replacement set for type `T`, or else what `real` makes.
    ///
    /// Only what is set when the application is built counts: by the session, by the test's
    /// attribute, or by an argument that stands before the `Router` or `Client`.
    pub fn overridden_or<T: Clone + Send + Sync + 'static>(&self, real: impl FnOnce() -> T) -> T {
        self.overridden().unwrap_or_else(real)
    }

    /// Makes a value of any type that a test can take as an argument.
    ///
    /// # Errors
    ///
    /// What the type's [`FromTest`] implementation answers.
    pub async fn get<T: FromTest>(&self) -> Result<T, BoxError> {
        T::from_test(self).await
    }

    /// The options of a second connection to this test's database, outside of its sandbox.
    ///
    /// Such a connection sees what is really committed, which is how a test proves that a thing
    /// is not. It is read-only: what it wrote would stay.
    ///
    /// # Errors
    ///
    /// When the session cannot start.
    pub async fn outside(&self) -> Result<PgConnectOptions, Error> {
        self.0.asked.store(true, Ordering::Relaxed);
        self.postgres()?.outside().await
    }

    /// The options of connections of the application's own making, for applications that build
    /// their own pool. They lead into the test's transaction, as its [`pool`](Self::pool) does.
    ///
    /// # Errors
    ///
    /// When the session could not be started. Where that is not known yet, who connects is told.
    pub fn connect_options(&self) -> Result<PgConnectOptions, Error> {
        self.0.asked.store(true, Ordering::Relaxed);
        self.postgres()?.connect_options()
    }

    /// The URL of the test's database, for applications and drivers that connect by one.
    ///
    /// It leads into the test's transaction, whatever connects: what is committed there is rolled back
    /// when the test ends. After that nobody answers on it.
    ///
    /// # Errors
    ///
    /// When the session cannot start.
    pub async fn url(&self) -> Result<String, Error> {
        self.ready().await?;
        self.0.asked.store(true, Ordering::Relaxed);
        self.0.database.url()
    }

    /// The options of connections of the application's own making to the session's further database of this name.
    ///
    /// # Errors
    ///
    /// When the session has no database of this name, or could not be started.
    pub fn connect_options_of(&self, name: &str) -> Result<PgConnectOptions, Error> {
        self.0.asked.store(true, Ordering::Relaxed);
        self.0.further.get(name)?.connect_options()
    }

    /// The URL of the session's further database of this name, as [`url`](Self::url) is of the first one.
    ///
    /// # Errors
    ///
    /// When the session has no database of this name, or cannot start.
    pub async fn url_of(&self, name: &str) -> Result<String, Error> {
        self.0.asked.store(true, Ordering::Relaxed);
        let database = self.0.further.get(name)?;
        database.ready().await?;
        database.url()
    }

    /// Marks the present state of the test's databases, to be returned to.
    ///
    /// Use it where one test runs many cases, each of which should start from the same rows: see
    /// [`Savepoint::restore`] and, for property tests, [`Savepoint::case`].
    ///
    /// # Errors
    ///
    /// With `isolation = "database"`, where there is no transaction to return to the start of; while a
    /// transaction of the test or its application is open.
    pub async fn savepoint(&self) -> Result<Savepoint, Error> {
        let limit = self.0.test.timeout;
        let limit = limit.unwrap_or(self.0.definition.session.time_limit());
        let first = self.postgres()?.savepoint(limit).await?;
        Box::pin(self.0.further.savepoint(first, limit)).await
    }

    /// Has a future run when the test has ended, whether it passed, failed, panicked or ran out of
    /// time, and before its database is taken away.
    ///
    /// Use it in [`FromTest`] implementations for what is not in the database: a directory, a
    /// bucket, a process. (Rows need no teardown.) The last one that was registered runs first. A
    /// future that has not ended after 5 seconds is dropped. One that panics, answers an error or
    /// is dropped fails the test by its place in the source; the others run all the same.
    ///
    /// ```
    /// use db_test::{BoxError, FromTest, TestContext};
    ///
    /// struct Uploads(std::path::PathBuf);
    ///
    /// impl FromTest for Uploads {
    ///     async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
    ///         let directory = std::env::temp_dir().join(cx.name().replace("::", "-"));
    ///         std::fs::create_dir(&directory)?;
    ///         let made = directory.clone();
    ///         cx.on_end(async move { std::fs::remove_dir_all(made) });
    ///         Ok(Self(directory))
    ///     }
    /// }
    /// ```
    #[track_caller]
    pub fn on_end<F>(&self, work: F)
    where
        F: Future<Output: Teardown> + Send + 'static,
    {
        self.0.teardowns.push(Location::caller(), work);
    }

    /// Makes one field of a struct that derives [`FromTest`]; called by generated code.
    #[doc(hidden)]
    pub async fn field<T: FromTest>(&self, name: &'static str) -> Result<T, BoxError> {
        T::from_test(self)
            .await
            .map_err(|cause| FieldError::tell(name, cause))
    }

    /// Makes sure that a lane is there, so that what is wrong with the server or the migrations
    /// fails the test before its body runs.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        self.0.database.ready().await
    }

    /// The application's router around this test's pool, built once.
    #[cfg(feature = "axum")]
    pub(crate) async fn router(&self) -> Result<Router, BoxError> {
        let build = || async {
            let Some(app) = self.0.definition.session.app_fn() else {
                return Err(BoxError::from(no_app(self.0.definition)));
            };
            self.0.asked.store(false, Ordering::Relaxed);
            // Called inside of the future, so that its own panic is caught too.
            let made =
                crate::executor::panics::caught(Box::pin(async { app(self.clone()).await })).await;
            let router = made.and_then(|made| made).map_err(|error| {
                let problem = match error.downcast_ref::<crate::executor::panics::Panicked>() {
                    Some(crate::executor::panics::Panicked(text)) => format!("panicked: {text}"),
                    None => format!("failed: {}", crate::observe::report::chain(error.as_ref())),
                };
                Error::from(Cause::AppFailed { problem })
            })?;
            let has_no_pool = !self.0.asked.load(Ordering::Relaxed);
            self.0.app_has_no_pool.store(has_no_pool, Ordering::Relaxed);
            self.0.overrides.application_is_built();
            let layer = crate::test::app::TestLayer {
                overrides: self.0.overrides.clone(),
                recording: Arc::clone(&self.0.recording),
            };
            Ok::<_, BoxError>(router.layer(layer))
        };
        Box::pin(self.0.router.get_or_try_init(build))
            .await
            .cloned()
    }

    /// Whether the application was built without being given the test's database.
    pub(crate) fn app_has_no_pool(&self) -> bool {
        self.0.app_has_no_pool.load(Ordering::Relaxed)
    }

    /// Whether the session's databases have something in them, as far as is known.
    pub(crate) fn has_schema(&self) -> bool {
        self.0.definition.has_schema()
    }

    /// The faults of the test, which only a proxy can have.
    pub(crate) fn faults(&self) -> Result<Arc<faults::Table>, Error> {
        self.postgres()?;
        if self.isolation() == Isolation::Database {
            return Err(Error::from(Cause::NoFaults));
        }
        Ok(Arc::clone(&self.0.faults))
    }

    /// The faults that have hit nothing.
    pub(crate) fn unhit(&self) -> faults::Unhit {
        self.0.faults.unhit()
    }

    /// The recordings of all of the test's databases, which are of one log.
    pub(crate) fn recordings(&self) -> impl Iterator<Item = &Arc<Recording>> {
        iter::once(&self.0.recording).chain(self.0.further.recordings())
    }

    pub(crate) fn recording(&self) -> &Arc<Recording> {
        &self.0.recording
    }

    /// The test's database, of whatever kind.
    pub(crate) fn database(&self) -> &dyn AnyDatabase {
        &*self.0.database
    }

    /// The test's database, which arguments that are PostgreSQL's alone need.
    fn postgres(&self) -> Result<&TestDatabase, Error> {
        let database: &dyn Any = &*self.0.database;
        let database = database.downcast_ref();
        database.ok_or_else(|| Error::from(Cause::NotPostgres))
    }

    fn isolation(&self) -> Isolation {
        isolation_of(self.0.test, self.0.definition)
    }

    /// The options of a pool of the application's own making.
    pub(crate) fn pool_options(&self) -> PgPoolOptions {
        self.0.definition.session.pool_options(self.isolation())
    }

    /// Runs what the test has registered for its end, and tells what went wrong.
    pub(crate) async fn tear_down(&self) -> Vec<String> {
        let problems = self.0.teardowns.run().await;
        if !problems.is_empty() {
            self.0.keeping.test_fails();
        }
        problems
    }

    pub(crate) fn time_preparing(&self) -> Duration {
        self.0.database.time_preparing() + self.0.further.time_preparing()
    }

    /// Ends the test's use of its database.
    pub(crate) async fn end(&self, outcome: &Outcome) -> Endings {
        let keeping = &self.0.keeping;
        let over_budget =
            || queries::exceeded(self.0.test.queries, &self.0.recording.log()).is_some();
        if keeping.is_asked_for() && over_budget() {
            keeping.test_fails();
        }
        let ending = self
            .0
            .database
            .end(outcome.verdict(self.0.test), keeping)
            .await;
        log::trace(|| {
            let described = ending.describe();
            let first_line = described.lines().next().unwrap_or_default();
            format!("{}: {first_line}", self.name())
        });
        let further = self.0.further.end(outcome.verdict(self.0.test)).await;
        Endings {
            first: ending,
            further,
        }
    }

    /// What was kept of the test, if that was asked for; known when it has ended.
    pub(crate) fn kept(&self) -> Option<String> {
        let first = self.0.keeping.report();
        let kept: Vec<_> = first.into_iter().chain(self.0.further.kept()).collect();
        (!kept.is_empty()).then(|| kept.join("\n"))
    }
}

/// Takes the database of a test, of the kind that its session says.
async fn open_database(
    test: &'static Test,
    definition: &'static Definition,
    watch: Watch,
) -> Result<Box<dyn AnyDatabase>, Error> {
    #[cfg(feature = "sqlite")]
    if definition.session.sqlite.is_some() {
        return Ok(Box::new(
            TestFile::open(test, definition, &watch.recording).await?,
        ));
    }
    let session = Startable::of(definition);
    let isolation = isolation_of(test, definition);
    let pool = definition.session.pool_options(isolation);
    let database = TestDatabase::open(isolation, session, pool, watch).await?;
    Ok(Box::new(database))
}

#[cfg(feature = "axum")]
fn no_app(definition: &Definition) -> Error {
    Error::from(if definition.is_conventional() {
        Cause::NoSession
    } else {
        let session = definition.name.clone();
        Cause::NoApp { session }
    })
}

/// What keeps a test apart from the others: the attribute comes before the session.
fn isolation_of(test: &Test, definition: &Definition) -> Isolation {
    let of_session = definition.session.default_isolation();
    test.isolation.unwrap_or(of_session)
}

impl std::fmt::Debug for TestContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestContext")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

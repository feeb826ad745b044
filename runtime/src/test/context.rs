//! What one running test has: its databases, its overrides, its recording.

mod ending;
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{future::Future, iter, panic::Location, sync::Arc, time::Duration};

#[cfg(feature = "axum")]
use axum::Router;
#[cfg(feature = "axum")]
use tokio::sync::OnceCell;

use crate::{
    Error, Flavor, Overrides, Teardown,
    database::{AnyDatabase, fixtures::Fixtures, keeping::Keeping},
    observe::recording::Recording,
    overrides::Layer,
    postgres::proxy::Watch,
    session::{Definition, Isolation},
    test::{
        bypass::Bypass, cause::calling, description::Test, faults, further::Further, opening,
        teardown::Teardowns,
    },
};

/// One running test, as [`FromTest`](crate::FromTest) implementations and a session's `app`
/// function see it.
///
/// It hands out the test's [pool](Self::pool) and [URL](Self::url), the value of any [argument
/// type](Self::get), and the [overrides](Self::overridden_or) that the application's state is built
/// with. Take it as an argument of a test, too, if the test needs one of these.
///
/// Cheap to clone; every clone is the same test.
///
/// ```no_run
/// # use axum::{Router, routing::get};
/// # use sqlx::PgPool;
/// # #[derive(Clone)] struct Mailer; impl Mailer { fn smtp() -> Self { Self } }
/// # fn app(pool: PgPool, mailer: Mailer) -> Router { Router::new() }
/// use db_test::{Session, TestContext};
///
/// #[db_test::session]
/// fn session() -> Session {
///     Session::postgres().app(|cx: TestContext| app(cx.pool(), cx.overridden_or(Mailer::smtp)))
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct TestContext(Arc<Inner>);

struct Inner {
    test: &'static Test,
    definition: &'static Definition,
    limit: Duration,
    isolation: Isolation,
    overrides: Overrides,
    database: Box<dyn AnyDatabase>,
    further: Further,
    recording: Arc<Recording>,
    faults: Arc<faults::Table>,
    #[cfg(feature = "axum")]
    router: OnceCell<Router>,
    bypass: Arc<Bypass>,
    keeping: Keeping,
    teardowns: Teardowns,
}

impl TestContext {
    /// Puts together what the attribute and the session say of a test. The attribute has
    /// precedence.
    pub(crate) async fn open(
        test: &'static Test,
        definition: &'static Definition,
    ) -> Result<Self, Error> {
        let session = &definition.session;
        let limit = test.timeout.unwrap_or(session.time_limit());
        let isolation = test.isolation.unwrap_or(session.default_isolation());
        let overrides = first_overrides(test, definition)?;
        let recording = Recording::new(test.name);
        let faults = Arc::<faults::Table>::default();
        let watch = Watch {
            recording: Arc::clone(&recording),
            faults: Arc::clone(&faults) as _,
        };
        let keeping = Keeping::of(test.name);
        let further = Further::of(definition, isolation, &watch, &keeping);
        let database = opening::open(definition, test.isolation, watch).await?;
        Ok(Self(Arc::new(Inner {
            test,
            definition,
            limit,
            isolation,
            overrides,
            database,
            further,
            recording,
            faults,
            #[cfg(feature = "axum")]
            router: OnceCell::new(),
            bypass: Arc::default(),
            keeping,
            teardowns: Teardowns::default(),
        })))
    }

    /// The test's name with its modules, such as `it::users::creates_a_user`.
    pub fn name(&self) -> &'static str {
        self.0.test.name
    }

    /// The overrides of this test.
    pub fn overrides(&self) -> &Overrides {
        &self.0.overrides
    }

    /// The value that overrides type `T` in this test, if there is one.
    pub fn overridden<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.0.overrides.for_state()
    }

    /// The value that overrides type `T` in this test, or else what `real` makes.
    ///
    /// Use it in a session's `app` function for each part of the state that a test may replace.
    /// It sees the overrides that are set before the application is built: the session's, those of
    /// the test's attribute, and those of an argument that stands before the `Router` or `Client`.
    pub fn overridden_or<T: Clone + Send + Sync + 'static>(&self, real: impl FnOnce() -> T) -> T {
        self.overridden().unwrap_or_else(real)
    }

    /// Registers a future to run when the test has ended, whether it passed, failed, panicked or
    /// ran out of time, while its database is still there.
    ///
    /// Use it in [`FromTest`](crate::FromTest) implementations for what is not in the database: a
    /// directory, a bucket, a process. (Rows need no teardown.) The last one registered runs first.
    /// One that panics, returns an error or has not ended after 5 seconds fails the test, and the
    /// report names the line that registered it; the others run nevertheless.
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
    ///
    /// # Cancel safety
    ///
    /// A future that exceeds its 5 seconds is dropped where it waits.
    #[track_caller]
    pub fn on_end<F>(&self, work: F)
    where
        F: Future<Output: Teardown> + Send + 'static,
    {
        self.0.teardowns.push(Location::caller(), work);
    }

    /// Waits until the test has a database, so that a problem with the server or the migrations
    /// fails the test before its body runs.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        self.0.database.ready().await
    }

    /// Runs the fixtures of the test.
    pub(crate) async fn load(&self, fixtures: &Fixtures) -> Result<(), Error> {
        self.ready().await?;
        self.0.database.load(fixtures).await
    }

    pub(crate) fn limit(&self) -> Duration {
        self.0.limit
    }

    /// The runtime that the test has chosen.
    pub(crate) fn flavor(&self) -> Flavor {
        let session = &self.0.definition.session;
        self.0.test.flavor.unwrap_or(session.runtime_flavor())
    }

    pub(crate) fn recording(&self) -> &Arc<Recording> {
        &self.0.recording
    }

    /// The recordings of all of the test's databases, which share one log.
    pub(crate) fn recordings(&self) -> impl Iterator<Item = &Arc<Recording>> {
        iter::once(&self.0.recording).chain(self.0.further.recordings())
    }

    pub(crate) fn definition(&self) -> &'static Definition {
        self.0.definition
    }

    /// The application's router, once it is built.
    #[cfg(feature = "axum")]
    pub(crate) fn router(&self) -> &OnceCell<Router> {
        &self.0.router
    }

    /// Whether the application uses the test's database.
    pub(crate) fn bypass(&self) -> &Arc<Bypass> {
        &self.0.bypass
    }
}

/// The overrides of the session and of the test's attribute.
fn first_overrides(test: &Test, definition: &Definition) -> Result<Overrides, Error> {
    let overrides = Overrides::default();
    let of_session = || {
        let overrides = overrides.at(Layer::Session);
        definition.session.apply_overrides(&overrides);
    };
    calling(
        "a function given to the session's `.overrides(…)`",
        of_session,
    )?;
    if let Some(set) = test.overrides {
        calling(
            "the function that the attribute's `overrides` names",
            || set(&overrides.at(Layer::Attribute)),
        )?;
    }
    Ok(overrides)
}

impl std::fmt::Debug for TestContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestContext")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

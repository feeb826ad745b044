//! The sandbox: what a test has of a lane, an ordinary pool on an ordinary URL that leads to the
//! lane's proxy.

mod activity;
mod keeping;
mod pool;
mod savepoint;
mod serving;
mod stopwatch;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::OnceCell;

pub use self::savepoint::Savepoint;
pub(crate) use self::stopwatch::Stopwatch;
use crate::{
    Error,
    database::{
        Ending,
        keeping::{Keeping, Verdict},
    },
    error::ProblemKind,
    executor,
    observe::recording::leave,
    postgres::{Endpoint, Listener, Startable, cause::Cause, lane::Lane, proxy::Watch},
};

/// The sandbox of one test.
#[derive(Clone)]
pub(crate) struct Sandbox(Arc<Core>);

struct Core {
    session: Startable,
    pool_options: PgPoolOptions,
    watch: Watch,
    /// Where the test's connections lead, whether somebody listens already or not.
    endpoint: Endpoint,
    pool: OnceLock<PgPool>,
    /// The lane, taken when the first argument of the test asks for it.
    taken: OnceCell<Result<(), Error>>,
    state: Mutex<State>,
    /// The time spent on taking the lane, which is not the test's.
    taking: Stopwatch,
    /// Whether somebody may wait for an answer on the socket.
    is_invited: AtomicBool,
    /// How many savepoints have been set, which is what they are named by.
    marks: AtomicU32,
}

/// Where the lane is.
enum State {
    /// Who connects has to wait.
    NotTaken(Listener),
    Serving(Lane),
    GivenBack,
}

impl Sandbox {
    /// Listens for the test's connections.
    ///
    /// # Errors
    ///
    /// When no socket can be opened.
    pub(crate) fn open(
        session: Startable,
        pool_options: PgPoolOptions,
        watch: Watch,
    ) -> Result<Self, Error> {
        let listener = Listener::of_test(watch.recording.test()).map_err(Cause::NoSocket)?;
        Ok(Self(Arc::new(Core {
            session,
            pool_options,
            watch,
            endpoint: listener.endpoint().clone(),
            pool: OnceLock::new(),
            taken: OnceCell::new(),
            state: Mutex::new(State::NotTaken(listener)),
            taking: Stopwatch::default(),
            is_invited: AtomicBool::new(false),
            marks: AtomicU32::new(0),
        })))
    }

    /// The test's pool. A use before the lane is taken waits for that.
    pub(crate) fn pool(&self) -> PgPool {
        self.be_served();
        let make = || {
            let options = self.0.pool_options.clone();
            pool::make(&self.0.options(), options, &self.0.watch.recording)
        };
        self.0.pool.get_or_init(make).clone()
    }

    /// Has the lane taken, if it is not, for those who wait on the socket.
    fn be_served(&self) {
        self.0.is_invited.store(true, Ordering::Release);
        if !self.0.taken.initialized() && !self.0.take_warm() {
            // Who connects is waiting for the lane, which a paused clock must not overtake.
            let waiting = self.0.watch.recording.pulse().waiting();
            let sandbox = self.clone();
            executor::spawn(async move {
                let taken = sandbox.ready().await;
                drop(waiting);
                taken
            });
        }
    }

    /// Takes a lane, and sends nothing to its server yet.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        if let Some(taken) = self.0.taken.get() {
            return taken.clone();
        }
        let core = Arc::clone(&self.0);
        executor::shared(Box::pin(async move {
            core.taken.get_or_init(|| core.take()).await.clone()
        }))
        .await
    }

    /// The options of connections of the application's own making.
    pub(crate) fn connect_options(&self) -> Result<PgConnectOptions, Error> {
        self.be_served();
        match self.0.taken.get() {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(self.0.options()),
        }
    }

    /// The options of a connection of the owner's.
    pub(crate) fn owner_options(&self) -> Result<PgConnectOptions, Error> {
        let options = self.connect_options()?;
        Ok(match self.0.session.login().role {
            Some(_) => options.options([("role", "none")]),
            None => options,
        })
    }

    /// Where the test's connections lead.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// The time spent on taking the lane so far.
    pub(crate) fn time_taking(&self) -> Duration {
        self.0.taking.elapsed()
    }

    /// The options of a connection to the lane's database.
    pub(crate) async fn outside(&self) -> Result<PgConnectOptions, Error> {
        self.ready().await?;
        let active = self.0.session.get().await?;
        let server = active.lanes().server();
        let mut id = match &*self.0.state() {
            State::Serving(lane) => Some(lane.id.clone()),
            _ => None,
        };
        if let Some(id) = &mut id {
            server.reopen(id).await?;
            if let State::Serving(lane) = &mut *self.0.state() {
                lane.id.seclusion = id.seclusion;
            }
        }
        let database = id.and_then(|id| id.own);
        Ok(server.reachable(server.outside_options(database.as_ref())))
    }

    /// Takes the lane back, proves that nothing escaped, and rolls everything back.
    pub(crate) async fn end(&self, verdict: Verdict, keeping: &Keeping) -> Ending {
        // Waits for a taking that is under way, and prevents a later one.
        let never = || async { Err(Error::from(Cause::TestEnded)) };
        let taken = self.0.taken.get_or_init(never).await.clone();
        let state = std::mem::replace(&mut *self.0.state(), State::GivenBack);
        let ending = match (taken, state) {
            (Ok(()), State::Serving(lane)) => self.0.end(lane, verdict, keeping).await,
            (Err(error), _) if !error.is(ProblemKind::TestEnded) => Ending::NotOpened(error),
            _ => Ending::untouched(verdict, keeping),
        };
        self.0.watch.recording.finish();
        if let Some(pool) = self.0.pool.get() {
            leave(pool);
        }
        ending
    }
}

impl Core {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to the proxy, as the server's own clients would find it.
    fn options(&self) -> PgConnectOptions {
        let lane = match &*self.state() {
            State::Serving(lane) => Some(lane.id.clone()),
            _ => None,
        };
        pool::options(&self.endpoint, lane.as_ref(), self.session)
    }
}

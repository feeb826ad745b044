//! The sandbox: a lane's connection inside an outer transaction, behind an ordinary `PgPool`.
//!
//! sqlx has no public way to put an existing connection into a pool. But a pool hands each new
//! connection to its `after_connect` hook by `&mut`, so the pool of a sandbox connects to the
//! [`greeter`], which is no more than a PostgreSQL handshake, and the hook swaps the placeholder
//! that comes out of it for the lane's connection. The application sees a pool like any other.

mod activity;
mod checkpoint;
mod closing;
mod ending;
mod greeter;
mod holding;
mod keeping;
mod opening;
mod parked;
mod pool;
mod reclaiming;
mod savepoint;
mod transaction;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use sqlx::{PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

#[cfg(unix)]
pub(crate) use self::greeter::remove_socket;
pub use self::savepoint::Savepoint;
pub(crate) use self::{
    checkpoint::MOVE,
    closing::LooksBack,
    ending::Ending,
    transaction::{DEPTH, OWN, deepen},
};
use self::{ending::Escape, greeter::Peer, holding::Holding, parked::Parked, transaction::Outer};
use crate::{
    Error,
    keep::Keeping,
    lane::{Cut, Lane, LaneId},
    outcome::Outcome,
    recording::Recording,
    session::Startable,
    stopwatch::Stopwatch,
};

/// The sandbox of one test.
pub(crate) struct Sandbox {
    core: Arc<Core>,
    pool: PgPool,
}

/// What the pool's hooks and the greeter share with the sandbox.
struct Core {
    session: Startable,
    /// The lane, taken when the first argument of the test asks for it.
    taken: OnceCell<Result<(), Error>>,
    /// The outer transaction, opened when the first connection is acquired.
    opened: OnceCell<Result<(), Error>>,
    place: Mutex<Place>,
    /// What the pool keeps in the place of the connection between two hand-outs.
    placeholder: Mutex<Option<PgConnection>>,
    /// How often the connection has been released.
    returns: AtomicU32,
    /// The other ends of placeholders, which must stay open.
    peers: Mutex<Vec<Box<dyn Peer>>>,
    /// The time spent on taking the lane, which is not the test's.
    taking: Stopwatch,
    ended: AtomicBool,
    trouble: Mutex<Trouble>,
    holding: Holding,
    recording: Arc<Recording>,
    /// How many savepoints have been set, which is what they are named by.
    savepoints: AtomicU32,
}

/// What went wrong during the test, which its end tells.
#[derive(Default)]
struct Trouble {
    escape: Option<Escape>,
    /// A deferred constraint that did not hold when the connection was released.
    violation: Option<sqlx::Error>,
    /// Why the connection was given up.
    broken: Option<String>,
}

/// Where the lane is.
#[derive(Default)]
enum Place {
    #[default]
    NotTaken,
    Taken(Box<Lane>),
    /// The transaction is open; the connection is here, or with whoever has acquired it.
    Opened {
        id: LaneId,
        outer: Arc<Outer>,
        parked: Option<Parked>,
    },
    GivenBack,
}

impl Sandbox {
    pub(crate) fn new(session: Startable, recording: Arc<Recording>) -> Self {
        let core = Arc::new(Core {
            session,
            taken: OnceCell::new(),
            opened: OnceCell::new(),
            place: Mutex::default(),
            placeholder: Mutex::default(),
            returns: AtomicU32::default(),
            peers: Mutex::default(),
            taking: Stopwatch::default(),
            ended: AtomicBool::new(false),
            trouble: Mutex::default(),
            holding: Holding::default(),
            recording,
            savepoints: AtomicU32::new(0),
        });
        let pool = pool::around(&core);
        Self { core, pool }
    }

    pub(crate) fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// Takes a lane, without a word to its server yet.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        self.core.take().await
    }

    /// The time spent on taking the lane so far.
    pub(crate) fn time_taking(&self) -> Duration {
        self.core.taking.elapsed()
    }

    /// The options of a connection to the lane's database.
    pub(crate) async fn outside(&self) -> Result<PgConnectOptions, Error> {
        self.core.take().await?;
        let active = self.core.session.get().await?;
        let server = active.lanes().server();
        let database = self.core.lane_id().and_then(|id| id.own);
        Ok(server.outside_options(database.as_ref()))
    }

    /// What explains a failure that is a `PoolTimedOut`: that the connection was held for too long.
    pub(crate) fn held_too_long(&self) -> Option<Duration> {
        let longest = self.core.holding.longest();
        let limit = self.core.session.definition().session.acquire_limit();
        (longest >= limit).then_some(longest)
    }

    /// Takes the connection back, proves that nothing escaped, and rolls everything back.
    pub(crate) async fn end(&self, outcome: &Outcome, keeping: &Keeping) -> Ending {
        self.core.ended.store(true, Ordering::Release);
        // Waits for an opening that is under way, and prevents a later one.
        let never = || async { Err(Error::from(crate::error::Cause::TestEnded)) };
        let opened = self.core.opened.get_or_init(never).await.clone();
        let ending = match (opened, self.session_failure()) {
            (Ok(()), _) => self.end_opened(outcome, keeping).await,
            (Err(_), Some(error)) => Ending::NotOpened(error),
            (Err(error), None) if !error.is_test_ended() => Ending::NotOpened(error),
            (Err(_), None) => {
                self.give_back_unused().await;
                Ending::untouched(outcome, keeping)
            }
        };
        // Closes the pool to whoever still has a handle; what they hold is not waited for.
        self.pool.close().now_or_never();
        ending
    }

    fn session_failure(&self) -> Option<Error> {
        self.core.taken.get()?.as_ref().err().cloned()
    }

    async fn give_back_unused(&self) {
        let place = std::mem::replace(&mut *self.core.place(), Place::GivenBack);
        if let (Place::Taken(lane), Ok(active)) = (place, self.core.session.get().await) {
            active.lanes().give_back(*lane);
        }
    }

    async fn end_opened(&self, outcome: &Outcome, keeping: &Keeping) -> Ending {
        let Ok(active) = self.core.session.get().await else {
            return Ending::Untouched;
        };
        let (Some(id), Some(outer)) = (self.core.lane_id(), self.core.outer()) else {
            return Ending::Untouched;
        };
        let reclaimed = self.reclaim_or_interrupt(&active, &id, outcome, keeping);
        let Some(mut connection) = reclaimed.await else {
            let broken = self.core.trouble().broken.take();
            let activity = match broken {
                Some(why) => {
                    let last_words = id.tap.last_words();
                    let why = last_words.map_or(why, |error| error.message);
                    Some(format!("its connection broke: {why}"))
                }
                None => activity::of(active.lanes().server(), id.backend).await,
            };
            id.tap.stop();
            if id.tap.has_escaped() {
                let escape = Escape::EndedByStatement;
                self.core.trouble().escape.get_or_insert(escape);
            }
            self.give_up(&active, id, outcome, keeping).await;
            let gone = Ending::ConnectionGone { activity };
            return self.core.trouble().escape.map_or(gone, Ending::Escaped);
        };
        id.tap.stop();
        if self.is_kept(&active, &id, outcome, keeping) {
            let lane = Lane { id, connection };
            return self.keep(&active, lane, &outer, keeping).await;
        }
        let verdict = closing::close(&mut connection, &id, &outer).await;
        let Trouble {
            escape, violation, ..
        } = std::mem::take(&mut *self.core.trouble());
        if escape.is_none() && verdict.leaves_lane_clean() {
            active.lanes().give_back(Lane { id, connection });
        } else {
            drop(connection);
            active.lanes().discard(id, Cut::Holder);
        }
        Ending::of(verdict, escape, violation)
    }
}

impl Core {
    fn has_parked(&self) -> bool {
        matches!(
            &*self.place(),
            Place::Opened {
                parked: Some(_),
                ..
            }
        )
    }

    fn take_parked(&self) -> Option<Parked> {
        match &mut *self.place() {
            Place::Opened { parked, .. } => parked.take(),
            _ => None,
        }
    }

    fn park(&self, connection: Parked) {
        if let Place::Opened { parked, .. } = &mut *self.place() {
            *parked = Some(connection);
        }
    }

    fn lane_id(&self) -> Option<LaneId> {
        match &*self.place() {
            Place::Taken(lane) => Some(lane.id.clone()),
            Place::Opened { id, .. } => Some(id.clone()),
            Place::NotTaken | Place::GivenBack => None,
        }
    }

    fn outer(&self) -> Option<Arc<Outer>> {
        match &*self.place() {
            Place::Opened { outer, .. } => Some(Arc::clone(outer)),
            _ => None,
        }
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn placeholder(&self) -> std::sync::MutexGuard<'_, Option<PgConnection>> {
        self.placeholder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the other end of a placeholder open.
    fn keep_open(&self, peer: Box<dyn Peer>) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.push(peer);
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
